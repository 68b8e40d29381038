//! What hubs disagree about, and what people decide about it (issue: Conflicts).
