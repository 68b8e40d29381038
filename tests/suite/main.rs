//! The promises of mutuald, each as a scenario on real hubs. One binary, so that they share what they are built from.

mod attacks;
mod cli;
mod config;
mod conflicts;
mod converge;
mod crash;
mod demo;
mod essex;
mod exchange;
mod exports;
mod formats;
mod golden;
mod imports;
mod layering;
mod mutual_aid;
mod office;
mod outside;
mod pages;
mod schedule;
mod sightings;
mod sources;
mod support;
mod sync;
mod systemd;
mod verify;
mod web;
