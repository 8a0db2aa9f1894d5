//! What moves the bytes of the backplane between nodes.
