//! The mutuald command.

fn main() {}
