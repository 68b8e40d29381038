//! The promises of mutuald, each as a scenario on real hubs. One binary, so that they share what they are built from.

mod cli;
mod config;
mod exchange;
mod formats;
mod schedule;
mod support;
mod sync;
mod systemd;
mod web;
