//! Gateway to gateway streams: numbers, gaps, holding, fetching, acks; no IO.
