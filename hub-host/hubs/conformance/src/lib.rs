//! A hub with the methods that the official functional tests call.
