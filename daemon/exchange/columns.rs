//! The columns of our spreadsheet: one list, used by the template, the import and the export alike.

use super::field::Field;
use std::sync::LazyLock;

/// A column of the template.
#[derive(Debug)]
pub struct Column {
    /// What it feeds.
    pub field: Field,
    /// Its name in mappings.
    pub key: &'static str,
    /// Its heading.
    pub heading: &'static str,
    /// One sentence for the person who fills it in.
    pub guidance: &'static str,
    /// What the example row says.
    pub example: &'static str,
}

/// Terms of vocabulary `criteria` that have a column of their own in the template: those that eligibility turns on most.
const CRITERIA: [(&str, &str, &str); 8] = [
    ("shared-experience", "Criterion: shared experience", "yes"),
    ("mutual-support-primary", "Criterion: mutual support first", "yes"),
    ("members-control", "Criterion: run by members", "yes"),
    ("voluntary", "Criterion: coming is voluntary", "yes"),
    ("prescribed-programme", "Criterion: set programme", "no"),
    ("professionally-managed", "Criterion: managed by professionals", "no"),
    ("constrained-by-funder-or-statutory", "Criterion: held back by funder or public service", "not known"),
    ("third-sector", "Criterion: voluntary sector", "yes"),
];
/// In front of the term in the heading of a criterion.
pub(super) const CRITERION: &str = "Criterion: ";
/// In front of the term in the key of a criterion.
pub(super) const CRITERION_KEY: &str = "criterion.";

const SEMICOLONS: &str = "Choose from our words; a semicolon between several.";

/// Every column that an import knows, in order.
pub fn columns() -> &'static [Column] {
    &COLUMNS
}

/// The columns of the template and of exports. Rules for calendars are not among them: a person who changes the words of a
/// meeting would leave the rule beside them standing, and it would come back with every import of the file. Nor is who saw
/// the group, which only exports know.
pub(super) fn for_people() -> impl Iterator<Item = &'static Column> {
    COLUMNS.iter().filter(|column| !matches!(column.field, Field::Calendar | Field::Seen))
}

pub(super) static COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(|| {
    let column = |field, key, heading, guidance, example| Column { field, key, heading, guidance, example };
    let mut columns = vec![
        column(
            Field::Name,
            "name",
            "Group name",
            "What the group calls itself. The only cell that must be filled in.",
            "Example: Anytown Hearing Voices Circle",
        ),
        column(
            Field::OtherNames,
            "other_names",
            "Other names",
            "Earlier, shorter or other-language names; a semicolon between several.",
            "Anytown Circle",
        ),
        column(
            Field::Description,
            "description",
            "About the group (its own words)",
            "How the group describes itself.",
            "We meet to share what helps us live with voices.",
        ),
        column(Field::Topics, "topics", "Topics", SEMICOLONS, "Hearing voices"),
        column(Field::Communities, "communities", "Communities", SEMICOLONS, ""),
        column(Field::Roles, "roles", "Who comes (role)", SEMICOLONS, "Person with the experience; Carer"),
        column(Field::Gender, "gender", "Gender", "Leave empty when it is not known.", "Everyone"),
        column(Field::Youngest, "youngest", "Youngest age", "Whole years.", "18"),
        column(Field::Oldest, "oldest", "Oldest age", "Whole years; empty for no limit.", ""),
        column(
            Field::Languages,
            "languages",
            "Languages",
            "Spoken at the group; a semicolon between several.",
            "English; Polish",
        ),
        column(Field::Modes, "modes", "How it meets", SEMICOLONS, "In person"),
        column(
            Field::Venue,
            "venue",
            "Venue",
            "Name of the building. Public: leave empty where it must not be known.",
            "Old Market Hall",
        ),
        column(Field::VenueKind, "venue_kind", "Kind of venue", "Choose from the list.", "Community room or hall"),
        column(Field::Address, "address", "Street address", "Without town and postcode.", "1 Example Street"),
        column(Field::Locality, "locality", "Town or village", "", "Anytown"),
        column(Field::Postcode, "postcode", "Postcode", "The whole, or its first half.", "AA1 1AA"),
        column(Field::Area, "area", "Area code", "GSS code of the local authority, if you know it.", ""),
        column(Field::Latitude, "latitude", "Latitude", "Decimal degrees.", ""),
        column(Field::Longitude, "longitude", "Longitude", "Decimal degrees.", ""),
        column(
            Field::Meets,
            "meets",
            "When it meets",
            "In the group's words.",
            "Second Tuesday of the month, not in August",
        ),
        column(
            Field::Start,
            "start",
            "Start time",
            "As in 19:30. Several meetings: a semicolon between them here, in the end time and in the words.",
            "19:30",
        ),
        column(Field::End, "end", "End time", "As in 21:00.", "21:00"),
        column(
            Field::Calendar,
            "calendar",
            "Calendar rule",
            "An iCalendar recurrence, from feeds (FREQ=MONTHLY;BYDAY=2TU).",
            "",
        ),
        column(Field::Cost, "cost", "Cost", "In words.", "Free"),
        column(Field::Access, "access", "Access", "Steps, lift, hearing loop, toilets.", "Step-free, hearing loop"),
        column(Field::Joining, "joining", "How to join", "In words.", "Just come along"),
        column(Field::Newcomers, "newcomers", "Newcomers welcome", "Yes or no; empty when it is not known.", "yes"),
        column(Field::Website, "website", "Website", "One address.", "https://www.example.org"),
        column(Field::Email, "email", "E-mail", "The group's own, never one person's.", "hello@example.org"),
        column(Field::Phone, "phone", "Telephone", "The group's own, never one person's.", "01632 960123"),
        column(Field::Founded, "founded", "Founded", "As much as is known: 2011, 03/2011 or 14/03/2011.", "2011"),
        column(
            Field::Status,
            "status",
            "Status",
            "Choose from the list; empty means running, or for a group known to have ended: as it was.",
            "Running",
        ),
        column(Field::StatusDate, "status_date", "Status date", "Since when.", "03/09/2026"),
        column(Field::StatusReason, "status_reason", "Status reason", "Why, naming no person.", ""),
        column(Field::BreakUntil, "break_until", "On a break until", "A date.", ""),
        column(
            Field::Affiliation,
            "affiliation",
            "Affiliation",
            "How it stands to a larger body; choose from the list.",
            "Affiliated to",
        ),
        column(Field::AffiliatedTo, "affiliated_to", "Affiliated to", "The body's name.", "Example Network"),
        column(Field::Charity, "charity", "Charity number", "The group's own, not its parent's.", ""),
        column(Field::Sponsors, "sponsors", "Sponsors", "Who pays for or sponsors it, in words.", ""),
    ];
    columns.extend(CRITERIA.map(|(term, heading, example)| {
        let guidance = "Yes, no or not known; empty when nobody has asked.";
        column(Field::Criterion(term.to_owned()), "", heading, guidance, example)
    }));
    columns.extend([
        column(
            Field::Orientation,
            "orientation",
            "Orientation",
            "Inward (personal change), outward (social change) or both.",
            "inward",
        ),
        column(
            Field::Checked,
            "checked",
            "Last checked",
            "The day somebody last made sure that all this is right.",
            "03/09/2026",
        ),
        column(Field::CheckedHow, "checked_how", "Checked how", "Choose from the list.", "By phone"),
        column(Field::CheckedBy, "checked_by", "Checked by", "In what role; never a person's name.", "The hub"),
        column(
            Field::Safety,
            "safety",
            "Safety",
            "How far the place may be known. Anything but Open is kept back and not shared.",
            "Open",
        ),
        column(Field::Licence, "licence", "Licence", "Only where it differs from the list's.", ""),
        column(
            Field::SourceId,
            "source_id",
            "Your reference",
            "The row's id in your own files; never a person's name.",
            "G-0042",
        ),
        column(
            Field::RecordId,
            "record_id",
            "Record id",
            "Leave empty; filled in by an export, so that we know the row again.",
            "",
        ),
        column(
            Field::Seen,
            "seen",
            "Seen by",
            "Filled in by an export: which hubs saw the group, and by which it came. Leave it as it is.",
            "",
        ),
    ]);
    columns
});
