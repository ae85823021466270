"""How much one request may ask for, and all of them together."""

BYTES = 10_000_000  # of a request's body
BYTES_AT_ONCE = 64 * 2**20  # of all bodies that are being read or worked on
BODY_SECONDS = 15.0  # from a request's head to the end of its body
PICTURES = 1000
PIXELS = 40_000_000  # of one picture, and of all pictures of a request together
LARGE = 4_000_000  # pixels; of larger pictures only one is decoded at a time
RUNS = 32
NUMBERS = 2_000_000  # probabilities in one answer
DRAWN = 2000  # pictures of what models saw, in one answer
PAGE = 256  # pictures on a page
LISTENERS = 32  # to events
MODELS = 48  # kept in memory, the least used go first
