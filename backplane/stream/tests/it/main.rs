//! What the fuzz targets promise, on every run of the tests.

mod corpora;
