"""What the report says beside table and curves: one file a topic, records in, a Topic out."""
