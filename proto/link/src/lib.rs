//! Gateway to hub-host: the frames of the link as plain types.
