//! What a person reads first in an exported folder, and how it is cited there.

use super::{Export, Written, draw_tables};
use crate::frame::citation::Citation;

/// How the export is cited: as the frame, with the sample where there is one.
pub fn citation(export: &Export) -> Citation {
    let origin = &export.origin;
    let by = (origin.hub, origin.hub_name.as_str());
    let cited = Citation::of(export.known.frame, &origin.digest, origin.frozen, by).licensed(Some(&origin.licence));
    match &export.drawn {
        None => cited,
        Some(drawn) => cited.sampled(&drawn.draw.request.study, &drawn.digest),
    }
}

/// The page that a person reads first.
pub fn readme(export: &Export, files: &[Written]) -> String {
    let definition = &export.known.frame.definition;
    let mut text = format!("# {}\n\n{}\n\n", export.title(), export.about());
    for caution in export.cautions() {
        text.push_str(&format!("**{caution}**\n\n"));
    }
    let digests: Vec<String> = export.digests().iter().map(|(what, digest)| format!("- {what}: `{digest}`")).collect();
    text.push_str(&format!(
        "Kept by {}; frozen and signed by {} (`{}`) on {}. SHA-256 by which it is known:\n\n{}\n\n",
        definition.custodian,
        export.origin.hub_name,
        export.origin.hub,
        export.origin.frozen,
        digests.join("\n")
    ));
    if let Some(drawn) = &export.drawn {
        let request = &drawn.draw.request;
        text.push_str(&format!(
            "Sample: {} Seed `{}` ({}), chosen {}.\n\n",
            draw_tables::in_words(drawn),
            request.commitment.seed,
            request.commitment.how,
            request.commitment.at
        ));
    }
    text.push_str("| file | what it is | rows |\n|---|---|---|\n");
    for file in files {
        let rows = file.rows.map_or_else(String::new, |rows| rows.to_string());
        text.push_str(&format!("| {} | {} | {rows} |\n", file.file, file.title));
    }
    text.push_str(
        "\nNo name, contact or place of a group stands here but its area's code, and no words about a group. An id leads to the group's public entry, so publish \
         study numbers and not ids. Nothing here is signed: the frame's own folder is, and `mutuald frame verify` checks it.\n",
    );
    text
}
