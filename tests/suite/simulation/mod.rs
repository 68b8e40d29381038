//! Whole networks of hubs in one process, drawn from a seed: partitions, lost, late and mixed-up answers, stale caches,
//! clocks that are ten years wrong and step back, crashes between any two steps, restored backups, one hub that lies or
//! whose key was stolen, erasures, rollovers, links and choices. When the faults end, all who can reach each other must hold
//! the same, make the same registry of it, and hold nothing forged, lost, come back or erased.
//!
//! And role contacts: consents are given, taken back and run out, hubs are let read and no longer, keys change, and in the end who
//! holds a contact is exactly who may.
//!
//! What is real: notes, leaves, checkpoints, hub documents and their chain, tiles and bundles, how a checkpoint stands to what is
//! held and whether new leaves belong to the signed tree (`feed::standing`), what is fetched (`feed::plan`), leaves and lines checked
//! (`peer::verify`), the fold of records, linking, merging, the digest; what consents let out and to whom (`record::consent`), signed
//! requests (`feed::request`). What is modelled: the database and its transactions, HTTP, the order of asking (`peer::pull`,
//! `node::follow`, `peer::contacts`), folding step by step (`node::accept`), relays. What is not here: the mass-change brake, ranges,
//! logs of more than 512 new leaves, a publisher's own return from a backup (`tests/suite/crash.rs`, `attacks/`), hand-over.
//!
//! What happened is counted ([`count::ALL`]) and printed; a few hundred networks must reach all of it.

mod check;
mod contact;
mod count;
mod hub;
mod pull;
mod world;

use count::Count;
use mutuald::registry::linkage::Model;
use mutuald::registry::policy::Policy;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// Things that happen in one network before its faults end.
const STEPS: u32 = 700;

fn run(seed: u64, policy: &Policy) -> Count {
    let mut world = world::World::new(seed);
    for _ in 0..STEPS {
        world.step();
    }
    world.heal();
    world.check(policy);
    world.count
}

/// A number from the environment.
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// `SIMULATION_SEEDS=10000` runs more of them, `SIMULATION_SEED=17` that one.
#[test]
fn networks_converge_whatever_befalls_them() {
    let policy = Policy::parse(Policy::default_text(), "simulation", Model::shipped()).unwrap();
    if let Some(seed) = number("SIMULATION_SEED") {
        run(seed, &policy).print();
        return;
    }
    let seeds = number("SIMULATION_SEEDS").unwrap_or(200);
    let (next, started) = (AtomicU64::new(0), std::time::Instant::now());
    let (failed, count) = std::thread::scope(|scope| {
        let work = || {
            let (mut failed, mut count) = (Vec::new(), Count::default());
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds {
                    return (failed, count);
                }
                if seed > 0 && seed.is_multiple_of(1_000) {
                    eprintln!("{seed} seeds in {:.1} s", started.elapsed().as_secs_f64());
                }
                match catch_unwind(AssertUnwindSafe(|| run(seed, &policy))) {
                    Ok(met) => count.add(&met),
                    Err(_) => {
                        eprintln!("replay: SIMULATION_SEED={seed} cargo test --test suite networks_converge");
                        failed.push(seed);
                    }
                }
            }
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let (mut failed, mut count) = (Vec::new(), Count::default());
        for worker in workers {
            let (theirs, met) = worker.join().unwrap();
            failed.extend(theirs);
            count.add(&met);
        }
        (failed, count)
    });
    let never = count.print();
    eprintln!("{seeds} seeds in {:.1} s, {} failed", started.elapsed().as_secs_f64(), failed.len());
    assert!(failed.is_empty(), "seeds {failed:?} fail; each is replayed by the line above");
    assert!(seeds < 200 || never.is_empty(), "{seeds} networks, and none of them ever met {never:?}");
}
