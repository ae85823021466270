"""Test cases of onnx that our layers do not cover, each under its reason: a limit of ours, said openly.

The operator Pad has no case within the limits: every one that ships is uneven, of whole numbers, or filled
with other numbers than zeros.
"""

from __future__ import annotations

import through as reasons

LEFT_OUT: dict[str, tuple[str, ...]] = {
    reasons.CUBE: (
        "test_AvgPool3d", "test_AvgPool3d_stride", "test_AvgPool3d_stride1_pad0_gpu_input",
        "test_Conv3d", "test_Conv3d_dilated", "test_Conv3d_dilated_strided", "test_Conv3d_groups",
        "test_Conv3d_no_bias", "test_Conv3d_stride", "test_Conv3d_stride_padding",
        "test_MaxPool3d", "test_MaxPool3d_stride", "test_MaxPool3d_stride_padding",
        "test_averagepool_3d_default", "test_averagepool_3d_dilations_small",
        "test_averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_False",
        "test_averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_True",
        "test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_False",
        "test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True",
        "test_maxpool_3d_default", "test_maxpool_3d_dilations", "test_maxpool_3d_dilations_use_ref_impl",
        "test_maxpool_3d_dilations_use_ref_impl_large",
    ),
    reasons.DILATED: (
        "test_Conv1d_dilated", "test_Conv2d_dilated", "test_MaxPool1d_stride_padding_dilation",
        "test_MaxPool2d_stride_padding_dilation", "test_averagepool_2d_dilations",
        "test_maxpool_2d_dilations",
    ),
    reasons.GROUPED: ("test_Conv1d_groups", "test_Conv2d_groups", "test_Conv2d_groups_thnn"),
    reasons.BORDER: (
        "test_averagepool_2d_pads", "test_averagepool_2d_same_lower", "test_maxpool_2d_pads",
        "test_maxpool_2d_same_lower",
    ),
    reasons.UNEVEN: ("test_ZeroPad2d",),
    reasons.FILLED: (
        "test_ConstantPad2d", "test_ReflectionPad2d", "test_ReplicationPad2d", "test_constant_pad",
        "test_constant_pad_axes", "test_constant_pad_negative_axes", "test_operator_pad",
    ),
    reasons.WHOLE: (
        "test_add_int16", "test_add_int8", "test_add_uint16", "test_add_uint32", "test_add_uint64",
        "test_add_uint8", "test_edge_pad", "test_maxpool_2d_uint8", "test_reflect_pad", "test_wrap_pad",
    ),
    reasons.PLACES: (
        "test_maxpool_with_argmax_2d_precomputed_pads", "test_maxpool_with_argmax_2d_precomputed_strides",
    ),
    reasons.MASK: (
        "test_dropout_default_mask", "test_dropout_default_mask_ratio",
        "test_training_dropout_zero_ratio_mask",
    ),
    reasons.DRAWN: (
        "test_training_dropout", "test_training_dropout_default", "test_training_dropout_default_mask",
        "test_training_dropout_mask",
    ),
    reasons.EACH: ("test_gemm_default_matrix_bias",),
}  # fmt: skip
REASONS = {name: reason for reason, names in LEFT_OUT.items() for name in names}
