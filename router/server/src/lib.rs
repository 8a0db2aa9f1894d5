//! The router: serves the directory to gateways.
