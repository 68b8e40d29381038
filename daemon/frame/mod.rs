//! Sampling frames: which groups a study may draw from, which it drew, and how much all lists miss.
//!
//! Pure functions of values, as the registry is: merged groups, written rules, people's decisions and a seed in; frames,
//! samples and figures out.
//!
//! * [`ticket`]: the number by which a unit is drawn;
//! * [`sample`]: designs, estimates, and what became of the units;
//! * [`coverage`]: how many groups no list has.

pub mod coverage;
pub mod sample;
pub mod ticket;

/// Reference values of other programs (`tests/data/frames/reference.json`).
#[cfg(test)]
fn reference() -> &'static serde_json::Value {
    static READ: std::sync::LazyLock<serde_json::Value> = std::sync::LazyLock::new(|| {
        serde_json::from_str(include_str!("../../tests/data/frames/reference.json")).expect("the file is JSON")
    });
    &READ
}
