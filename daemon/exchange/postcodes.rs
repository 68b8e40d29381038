//! The official files of where every postcode lies, as their publishers lay them out.
//!
//! * Code-Point Open (Ordnance Survey): CSV files without headings in `Data/CSV/`, ten columns as its own
//!   `Doc/Code-Point_Open_Column_Headers.csv` names them: postcode (seven letters), positional quality, easting, northing,
//!   country, NHS region, NHS authority, county, district, ward. Quality 90 is "no place known".
//! * ONS Postcode Directory, and the National Statistics Postcode Lookup that shares its columns: one CSV with headings,
//!   of which `pcds` (or `pcd`), `lat`, `long` and the district (`oslaua`, `laua`, or `lad` with year and `cd`) are read, in any order (ONSPD
//!   User Guide, "record specification"). Latitude 99.999999 is "no place known". Ended postcodes are kept: groups' entries still
//!   name them, and they lie where they lay.

use crate::registry::geo::Point;
use crate::registry::normal::{self, Postcode};
use std::io::Read;

/// Which of the files it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Code-Point Open.
    CodePointOpen,
    /// ONS Postcode Directory.
    Onspd,
}

impl Layout {
    /// What its publisher calls it.
    pub fn title(self) -> &'static str {
        match self {
            Layout::CodePointOpen => "Code-Point Open",
            Layout::Onspd => "ONS Postcode Directory",
        }
    }

    /// The words that its licence (OGL v3.0) wants beside what is made from it.
    pub fn attribution(self) -> &'static str {
        "Contains OS data © Crown copyright and database right; contains Royal Mail data © Royal Mail copyright and \
         database right; contains National Statistics data © Crown copyright and database right. Open Government \
         Licence v3.0."
    }
}

/// What a row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// A postcode, its place in hundred-thousandths of a degree, and the code of its district (which may be empty).
    Place(Postcode, Point, String),
    /// A postcode whose place its publisher does not know.
    Nowhere,
    /// Nothing that could be read.
    Unreadable,
}

/// Longest line that is read, in bytes; an ONSPD line has about 400.
const LINE: usize = 16 * 1024;

struct Columns {
    layout: Layout,
    postcode: usize,
    /// Easting and northing, or latitude and longitude.
    place: (usize, usize),
    quality: Option<usize>,
    district: usize,
}

impl Columns {
    /// The columns by the first row; the flag says that it is headings.
    fn of(first: &csv::StringRecord) -> Option<(Columns, bool)> {
        let at = |names: &[&str]| {
            names.iter().find_map(|name| first.iter().position(|cell| cell.trim().eq_ignore_ascii_case(name)))
        };
        let lad = || {
            let named = |cell: &str| {
                let cell = cell.trim().to_ascii_lowercase();
                cell.strip_prefix("lad").and_then(|rest| rest.strip_suffix("cd")).is_some_and(|year| year.len() == 2)
            };
            first.iter().position(named)
        };
        if let (Some(postcode), Some(lat), Some(long)) = (at(&["pcds", "pcd7", "pcd"]), at(&["lat"]), at(&["long"])) {
            let district = at(&["oslaua", "laua"]).or_else(lad)?;
            let onspd = Columns { layout: Layout::Onspd, postcode, place: (lat, long), quality: None, district };
            return Some((onspd, true));
        }
        let code_point =
            Columns { layout: Layout::CodePointOpen, postcode: 0, place: (2, 3), quality: Some(1), district: 8 };
        if first.len() != 10 {
            return None;
        }
        let numbers = (1..4).all(|at| first[at].trim().parse::<u32>().is_ok());
        let headings = first[0].trim().eq_ignore_ascii_case("pc") || first[0].trim().eq_ignore_ascii_case("postcode");
        (headings || numbers && normal::postcode(&first[0]).is_some()).then_some((code_point, headings))
    }

    fn read(&self, record: &csv::StringRecord) -> Row {
        let cell = |at: usize| record.get(at).unwrap_or_default().trim();
        let postcode = normal::postcode(cell(self.postcode)).filter(|postcode| postcode.inward.is_some());
        let number = |at: usize| cell(at).parse::<f64>().ok().filter(|number| number.is_finite());
        let (Some(postcode), Some(a), Some(b)) = (postcode, number(self.place.0), number(self.place.1)) else {
            return Row::Unreadable;
        };
        let place = match self.layout {
            Layout::Onspd if a > 90.0 => None,
            Layout::Onspd => Point::stated(a, b),
            Layout::CodePointOpen if self.quality.is_some_and(|at| cell(at) == "90") || a == 0.0 => None,
            Layout::CodePointOpen => {
                let (lat, lon) = degrees(a, b);
                Point::stated(lat, lon)
            }
        };
        let Some(place) = place else { return Row::Nowhere };
        let district = cell(self.district);
        let sound = district.len() == 9 && district.bytes().all(|b| b.is_ascii_alphanumeric());
        Row::Place(postcode, place, if sound { district.to_ascii_uppercase() } else { String::new() })
    }
}

/// Reads a file row by row. `None` when it is in neither layout; then nothing was given to `row`.
///
/// # Errors
/// What reading the bytes, or `row`, fails with; a line that is longer than any of theirs.
pub fn read<E: From<std::io::Error>>(
    bytes: impl Read,
    mut row: impl FnMut(Row) -> Result<(), E>,
) -> Result<Option<Layout>, E> {
    let lines = Lines { inner: bytes, since: 0 };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(lines);
    let mut record = csv::StringRecord::new();
    let mut next = |record: &mut csv::StringRecord| match reader.read_record(record) {
        Ok(more) => Ok(more.then_some(true)),
        Err(error) => match error.into_kind() {
            csv::ErrorKind::Io(error) => Err(E::from(error)),
            _ => Ok(Some(false)),
        },
    };
    if next(&mut record)? != Some(true) {
        return Ok(None);
    }
    if let Some(marked) = record.get(0).and_then(|cell| cell.strip_prefix('\u{feff}')).map(str::to_owned) {
        let rest = record.iter().skip(1).map(str::to_owned).collect::<Vec<_>>();
        record = std::iter::once(marked).chain(rest).collect();
    }
    let Some((columns, headings)) = Columns::of(&record) else { return Ok(None) };
    if !headings {
        row(columns.read(&record))?;
    }
    while let Some(sound) = next(&mut record)? {
        row(if sound { columns.read(&record) } else { Row::Unreadable })?;
    }
    Ok(Some(columns.layout))
}

/// Refuses a line without end before it fills memory.
struct Lines<R> {
    inner: R,
    since: usize,
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let most = to.len().min(LINE);
        let read = self.inner.read(&mut to[..most])?;
        self.since = match to[..read].iter().rposition(|b| *b == b'\n') {
            Some(at) => read - at - 1,
            None => self.since + read,
        };
        if self.since > LINE {
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "a line has no end"));
        }
        Ok(read)
    }
}

/// Easting and northing of the British National Grid as degrees north and east, WGS 84: the inverse Transverse Mercator on the
/// Airy 1830 ellipsoid, then the seven-parameter shift, both as Ordnance Survey publishes them ("A guide to coordinate
/// systems in Great Britain", annexes B and C). Good to about 5 metres, for display and distances only: linking never sees it.
pub fn degrees(easting: f64, northing: f64) -> (f64, f64) {
    const A: f64 = 6_377_563.396;
    const B: f64 = 6_356_256.909;
    const F0: f64 = 0.999_601_271_7;
    const N0: f64 = -100_000.0;
    const E0: f64 = 400_000.0;
    let (phi0, lambda0) = (49f64.to_radians(), (-2f64).to_radians());
    let e2 = 1.0 - (B * B) / (A * A);
    let n = (A - B) / (A + B);
    let (n2, n3) = (n * n, n * n * n);
    let arc = |phi: f64| {
        let (d, s) = (phi - phi0, phi + phi0);
        B * F0
            * ((1.0 + n + 1.25 * n2 + 1.25 * n3) * d - (3.0 * n + 3.0 * n2 + 21.0 / 8.0 * n3) * d.sin() * s.cos()
                + (15.0 / 8.0 * (n2 + n3)) * (2.0 * d).sin() * (2.0 * s).cos()
                - 35.0 / 24.0 * n3 * (3.0 * d).sin() * (3.0 * s).cos())
    };
    let mut phi = (northing - N0) / (A * F0) + phi0;
    // Converges by a factor of some hundreds each time; ten rounds bound it whatever the numbers.
    for _ in 0..10 {
        let left = northing - N0 - arc(phi);
        phi += left / (A * F0);
        if left.abs() < 1e-5 {
            break;
        }
    }
    let (sin, cos, tan) = (phi.sin(), phi.cos(), phi.tan());
    let nu = A * F0 / (1.0 - e2 * sin * sin).sqrt();
    let rho = A * F0 * (1.0 - e2) / (1.0 - e2 * sin * sin).powf(1.5);
    let eta2 = nu / rho - 1.0;
    let (t2, de) = (tan * tan, easting - E0);
    let vii = tan / (2.0 * rho * nu);
    let viii = tan / (24.0 * rho * nu.powi(3)) * (5.0 + 3.0 * t2 + eta2 - 9.0 * t2 * eta2);
    let ix = tan / (720.0 * rho * nu.powi(5)) * (61.0 + 90.0 * t2 + 45.0 * t2 * t2);
    let x = 1.0 / (cos * nu);
    let xi = 1.0 / (cos * 6.0 * nu.powi(3)) * (nu / rho + 2.0 * t2);
    let xii = 1.0 / (cos * 120.0 * nu.powi(5)) * (5.0 + 28.0 * t2 + 24.0 * t2 * t2);
    let xiia = 1.0 / (cos * 5_040.0 * nu.powi(7)) * (61.0 + 662.0 * t2 + 1_320.0 * t2 * t2 + 720.0 * t2.powi(3));
    let lat = phi - vii * de.powi(2) + viii * de.powi(4) - ix * de.powi(6);
    let lon = lambda0 + x * de - xi * de.powi(3) + xii * de.powi(5) - xiia * de.powi(7);
    shifted(lat, lon, e2)
}

/// From the Airy ellipsoid's datum (OSGB36) to WGS 84, at height 0; radians in, degrees out.
fn shifted(lat: f64, lon: f64, e2: f64) -> (f64, f64) {
    const AIRY: f64 = 6_377_563.396;
    const WGS: (f64, f64) = (6_378_137.0, 6_356_752.314_2);
    let nu = AIRY / (1.0 - e2 * lat.sin().powi(2)).sqrt();
    let (x, y, z) = (nu * lat.cos() * lon.cos(), nu * lat.cos() * lon.sin(), (1.0 - e2) * nu * lat.sin());
    let second = |seconds: f64| (seconds / 3_600.0).to_radians();
    let (rx, ry, rz) = (second(0.150_2), second(0.247_0), second(0.842_1));
    let scale = 1.0 - 20.489_4e-6;
    let (x, y, z) = (
        446.448 + scale * x - rz * y + ry * z,
        -125.157 + rz * x + scale * y - rx * z,
        542.060 - ry * x + rx * y + scale * z,
    );
    let e2 = 1.0 - (WGS.1 * WGS.1) / (WGS.0 * WGS.0);
    let across = x.hypot(y);
    let mut phi = z.atan2(across * (1.0 - e2));
    for _ in 0..6 {
        let nu = WGS.0 / (1.0 - e2 * phi.sin().powi(2)).sqrt();
        phi = (z + e2 * nu * phi.sin()).atan2(across);
    }
    (phi.to_degrees(), y.atan2(x).to_degrees())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> (Option<Layout>, Vec<Row>) {
        let mut rows = Vec::new();
        let layout = read::<std::io::Error>(text.as_bytes(), |row| {
            rows.push(row);
            Ok(())
        });
        (layout.unwrap(), rows)
    }

    #[test]
    fn the_grid_reads_as_ordnance_survey_says() {
        // The guide's own point (TG 51409 13177), whose place on WGS 84 is 52° 39' 28.7" N, 1° 42' 57.8" E.
        let (lat, lon) = degrees(651_409.903, 313_177.270);
        assert!((lat - 52.657_977).abs() < 1e-4 && (lon - 1.716_052).abs() < 1e-4, "{lat} {lon}");
        // Far west and north: still on the map, and never a panic.
        let (lat, lon) = degrees(0.0, 1_200_000.0);
        assert!((59.0..62.0).contains(&lat) && (-10.0..-8.0).contains(&lon), "{lat} {lon}");
        assert!(degrees(1e300, -1e300).0.is_nan() || degrees(1e300, -1e300).0.abs() <= 90.0);
    }

    #[test]
    fn both_layouts_are_known_by_their_first_row_and_bad_rows_are_counted() {
        let code_point = "\"NG1 7DP\",10,457000,339800,\"E92000001\",\"\",\"\",\"\",\"E06000018\",\"E05012289\"\n\
                          \"NG1 7XX\",90,0,0,\"E92000001\",\"\",\"\",\"\",\"\",\"\"\nhalf a row\n";
        let (layout, read) = rows(code_point);
        assert_eq!(layout, Some(Layout::CodePointOpen));
        assert!(
            matches!(&read[0], Row::Place(code, point, area)
            if code.outward == "NG1" && point.lat / 1_000 == 5_295 && area == "E06000018"),
            "{read:?}"
        );
        assert_eq!(read[1..], [Row::Nowhere, Row::Unreadable]);
        for district in ["oslaua", "laua", "lad25cd"] {
            let text = format!(
                "\u{feff}pcd,pcd2,pcds,dointr,doterm,{district},lat,long\nBT1 5GS,BT1  5GS,BT1 5GS,198001,,N09000003,54.597,-5.93\n\
                 JE2 3AB,JE2  3AB,JE2 3AB,198001,,L99999999,99.999999,0\n"
            );
            let (layout, read) = rows(&text);
            assert_eq!(layout, Some(Layout::Onspd), "{district}");
            assert!(matches!(&read[0], Row::Place(_, _, area) if area == "N09000003"), "{read:?}");
            assert_eq!(read[1], Row::Nowhere);
        }
        assert_eq!(rows("Name,Phone\nCarers,0115\n"), (None, vec![]));
        assert_eq!(rows(""), (None, vec![]));
    }

    #[test]
    fn a_line_without_end_is_refused_and_fills_no_memory() {
        let endless = std::io::repeat(b'x').take(1 << 30);
        assert!(read::<std::io::Error>(endless, |_| Ok(())).is_err());
    }
}
