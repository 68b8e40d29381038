//! Spreadsheets in and out.
//!
//! In: bytes → [`table::Table`] (texts) → [`row::Reading`] (groups and faults) → [`plan::ImportPlan`] (what would change).
//! Nothing here writes to the registry: the plan is shown, and the same plan is carried out.
//! Out: groups → [`export`] → CSV, XLSX or GeoJSON, in the import's own shape.
//!
//! * [`columns`] is the one list of columns, [`field`] what each of them feeds; [`template`] writes the empty form;
//! * [`mapping`] says which column of a foreign file feeds which field;
//! * [`table`] reads files, with `delimited` for CSV and `workbook` for XLSX; [`sheet`] writes them;
//! * [`cell`] and [`language`] read single cells, [`fault`] has the words for what is wrong with them;
//! * [`report`] shows a plan to a person.

pub mod cell;
pub mod columns;
mod delimited;
pub mod export;
pub mod fault;
pub mod field;
pub mod geojson;
pub mod guess;
pub mod language;
pub mod mapping;
mod opendocument;
pub mod plan;
pub mod recurrence;
pub mod report;
pub mod row;
pub mod sheet;
pub mod table;
pub mod template;
mod workbook;

pub use export::ExportRow;
pub use field::Words;
pub use mapping::Mapping;
pub use plan::{Existing, ImportPlan, plan};
pub use table::Table;
