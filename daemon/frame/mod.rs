//! Sampling frames: which groups a study may draw from, which it drew, and how much all lists miss.
//!
//! Pure functions of values, as the registry is: merged groups, written rules, people's decisions and a seed in; frames,
//! samples and figures out.
//!
//! * [`profile`] and [`eligibility`]: which groups a study takes, by written rules and by people;
//! * [`flow`]: what became of every record that was received;
//! * [`strata`]: the values by which groups are put into strata and quotas;
//! * [`definition`]: what a frame is; [`frozen`]: the frame built, and its bytes, from which it is built again;
//!   [`lines`]: how such texts are written;
//! * [`ticket`]: the number by which a unit is drawn;
//! * [`sample`]: designs, estimates, and what became of the units;
//! * [`request`]: what is asked of a draw; [`draw`](mod@draw): what was drawn, and its bytes;
//! * [`diff`](mod@diff): what became of a frame's groups in a later frame;
//! * [`citation`]: how a frozen frame is cited; [`report`](mod@report): what may be said of one;
//! * [`fieldwork`]: what becomes of the units in the field;
//! * [`number`]: study numbers; [`cells`]: cells too small to be released;
//! * [`coverage`]: how many groups no list has.

pub mod cells;
pub mod citation;
pub mod coverage;
pub mod definition;
pub mod diff;
pub mod draw;
pub mod eligibility;
pub mod fieldwork;
pub mod flow;
pub mod frozen;
pub mod lines;
pub mod number;
pub mod profile;
pub mod report;
pub mod request;
pub mod sample;
pub mod strata;
pub mod ticket;

/// Reference values of other programs (`tests/data/frames/reference.json`).
#[cfg(test)]
fn reference() -> &'static serde_json::Value {
    static READ: std::sync::LazyLock<serde_json::Value> = std::sync::LazyLock::new(|| {
        serde_json::from_str(include_str!("../../tests/data/frames/reference.json")).expect("the file is JSON")
    });
    &READ
}
