//! What the program promises, one file a promise.

mod formats;
