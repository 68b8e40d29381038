//! Spreadsheets and other people's feeds in, spreadsheets and directories out.
//!
//! In: bytes → [`table::Table`] (texts) → [`row::Reading`] (groups and faults) → [`plan::ImportPlan`] (what would change).
//! Nothing here writes to the registry: the plan is shown, and the same plan is carried out.
//! Out: groups → [`export`] → CSV, XLSX or GeoJSON, in the import's own shape; [`open_referral`] for other directories' programs;
//! [`mod@print`] for paper.
//!
//! [`mod@frame`] is for researchers: a frozen frame and its samples in the formats of their programs.
//!
//! * [`columns`] is the one list of columns, [`field`] what each of them feeds; [`template`] writes the empty form;
//! * [`mapping`] says which column of a foreign file feeds which field, [`guess`] makes one up to be looked at;
//! * [`table`] reads files, with `delimited` for text, `workbook` for XLSX and `opendocument` for ODS; [`sheet`] writes them;
//! * [`feed`] reads other people's feeds into the same tables, with `oruk`, `rpde` and `meeting_guide`;
//! * `matching` finds which record a row is; [`answer`] gives a person's own file back with what became of its rows;
//! * [`recurrence`] has calendars' rules in words;
//! * [`cell`], [`language`] and [`sightings`] read single cells, [`fault`] has the words for what is wrong with them;
//! * [`postcodes`] reads the official files of where postcodes lie;
//! * [`report`] shows a plan to a person.

pub mod answer;
pub mod cell;
pub mod columns;
mod delimited;
pub mod export;
pub mod fault;
pub mod feed;
pub mod field;
pub mod frame;
pub mod geojson;
pub mod guess;
pub mod language;
pub mod mapping;
mod matching;
mod meeting_guide;
pub mod open_referral;
mod opendocument;
mod oruk;
pub mod plan;
pub mod postcodes;
pub mod print;
pub mod recurrence;
pub mod report;
pub mod row;
mod rpde;
pub mod sheet;
pub mod sightings;
pub mod table;
pub mod template;
mod workbook;

pub use export::ExportRow;
pub use field::Words;
pub use mapping::Mapping;
pub use matching::keys;
pub use plan::{Existing, ImportPlan, plan};
pub use table::Table;
