//! The demonstration: four hubs with invented lists, live on one machine.

pub mod invent;
