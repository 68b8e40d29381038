//! What a record says.

pub mod vocabulary;
