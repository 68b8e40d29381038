//! Where a UK postcode lies, as far as open averages say, and how far two points are apart. Whole numbers only.
//!
//! The table (`schema/geo/sectors.txt`, its attribution in its head) holds one mean place for each postcode sector and
//! outward code of Great Britain. Half of all postcodes lie within 0.7 km of their sector's mean and 1.4 km of their
//! outward code's; one in twenty lies further than 4.6 and 7.9 km. So every answer says how precise it is, and none is
//! given for Northern Ireland, whose codes are not in the open file. The exact file that a hub may load is for
//! its directory; linking never uses it, because hubs that hold the same records must link them alike.

use super::normal::Postcode;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The table as shipped.
pub const SECTORS: &str = include_str!("../../schema/geo/sectors.txt");

/// How well a place is known, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Coordinates stated for the place itself.
    Exact,
    /// A full postcode's own place.
    Unit,
    /// The mean of a postcode sector (`NG1 7`): median error 0.7 km, one in twenty over 4.6 km.
    Sector,
    /// The mean of an outward code (`NG1`): median error 1.4 km, one in twenty over 7.9 km.
    Outcode,
}

impl Precision {
    /// Stable label.
    pub fn label(self) -> &'static str {
        match self {
            Precision::Exact => "exact",
            Precision::Unit => "unit",
            Precision::Sector => "sector",
            Precision::Outcode => "outcode",
        }
    }

    /// What that means, in plain words.
    pub fn words(self) -> &'static str {
        match self {
            Precision::Exact => "as stated for the place itself",
            Precision::Unit => "unit: this postcode's own place",
            Precision::Sector => {
                "sector: the middle of the postcodes around it, often off by half a mile, sometimes by three"
            }
            Precision::Outcode => "outcode: the middle of the whole district, often off by a mile, sometimes by five",
        }
    }
}

/// A point on the earth, in hundred-thousandths of a degree (about a metre), WGS 84.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    /// North.
    pub lat: i32,
    /// East.
    pub lon: i32,
    /// How well it is known.
    pub precision: Precision,
}

impl Point {
    /// A point from stated coordinates. `None` for what is no place: out of range, or 0°, 0° as typed into an empty box.
    pub fn stated(lat: f64, lon: f64) -> Option<Point> {
        let sound = lat.is_finite() && lon.is_finite() && lat.abs() <= 90.0 && lon.abs() <= 180.0;
        let point =
            |lat: i32, lon: i32| (lat != 0 || lon != 0).then_some(Point { lat, lon, precision: Precision::Exact });
        // Rounding one product is the same on every machine that has IEEE 754; nothing is summed.
        if sound { point((lat * 1e5).round() as i32, (lon * 1e5).round() as i32) } else { None }
    }

    /// Metres between two points, to about 1 % where it matters (within one country).
    pub fn metres(self, other: Point) -> u32 {
        // 1e-5 degrees are 1.11195 m north.
        let north = i64::from(self.lat - other.lat) * 111_195 / 100_000;
        let across = i64::from(self.lon) - i64::from(other.lon);
        let across = if across.abs() > 18_000_000 { 36_000_000 - across.abs() } else { across };
        let middle = (i64::from(self.lat) + i64::from(other.lat)) / 2;
        let east = across * 111_195 / 100_000 * cosine(middle.abs()) / 10_000;
        (north * north + east * east).unsigned_abs().isqrt().min(u64::from(u32::MAX)) as u32
    }
}

/// Cosine of a latitude in 1e-5 degrees, in ten-thousandths, by a table of every fifth degree.
fn cosine(lat: i64) -> i64 {
    const EVERY_FIFTH: [i64; 19] = [
        10_000, 9_962, 9_848, 9_659, 9_397, 9_063, 8_660, 8_192, 7_660, 7_071, 6_428, 5_736, 5_000, 4_226, 3_420,
        2_588, 1_736, 872, 0,
    ];
    let step = 500_000;
    let at = (lat / step).clamp(0, 17) as usize;
    let part = lat - at as i64 * step;
    EVERY_FIFTH[at] + (EVERY_FIFTH[at + 1] - EVERY_FIFTH[at]) * part / step
}

/// What the table says of a postcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Located {
    /// The mean place, and how precise it is.
    pub point: Point,
    /// GSS code of the commonest local authority there: right for 97 of 100 postcodes of a sector, 93 of an outward code.
    pub area: &'static str,
}

struct Outward {
    lat: i32,
    lon: i32,
    area: &'static str,
    /// Digit, latitude, longitude, authority.
    sectors: Vec<(u8, i32, i32, &'static str)>,
}

static TABLE: LazyLock<BTreeMap<&'static str, Outward>> =
    LazyLock::new(|| read(SECTORS).expect("schema/geo/sectors.txt is compiled in, and a test reads it"));

fn read(text: &'static str) -> Option<BTreeMap<&'static str, Outward>> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let areas: Vec<&str> = lines.next()?.strip_prefix("authorities ")?.split(' ').collect();
    let area = |number: &str| areas.get(usize::from_str_radix(number, 36).ok()?).copied();
    lines
        .map(|line| {
            let mut words = line.split(' ');
            let code = words.next()?;
            let (lat, lon): (i32, i32) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            let own = area(words.next()?)?;
            let sectors = words
                .map(|word| {
                    let (place, other) = word.split_once('=').map_or((word, None), |(place, n)| (place, Some(n)));
                    let (digit, offsets) = place.split_at_checked(1)?;
                    // The second sign parts the two offsets; the first stands at the beginning.
                    let second = offsets.get(1..)?.find(['+', '-'])? + 1;
                    let (north, east) = offsets.split_at(second);
                    let (north, east): (i32, i32) = (north.parse().ok()?, east.parse().ok()?);
                    let area = other.map_or(Some(own), area)?;
                    Some((digit.as_bytes()[0], (lat + north) * 100, (lon + east) * 100, area))
                })
                .collect::<Option<Vec<_>>>()?;
            Some((code, Outward { lat: lat * 100, lon: lon * 100, area: own, sectors }))
        })
        .collect()
}

/// Where a postcode, or an outward code, lies. `None` when the table has it not: Northern Ireland, the islands, codes that
/// are newer or wrong.
pub fn locate(postcode: &Postcode) -> Option<Located> {
    let outward = TABLE.get(postcode.outward.as_str())?;
    let digit = postcode.inward.as_ref().and_then(|inward| inward.bytes().next());
    let sector = outward.sectors.iter().find(|(known, ..)| Some(*known) == digit);
    Some(match sector {
        Some((_, lat, lon, area)) => {
            Located { point: Point { lat: *lat, lon: *lon, precision: Precision::Sector }, area }
        }
        None => {
            let point = Point { lat: outward.lat, lon: outward.lon, precision: Precision::Outcode };
            Located { point, area: outward.area }
        }
    })
}

/// Whether an outward code is one of Great Britain's; postcodes that are in no table are often typing errors.
pub fn known(outward: &str) -> bool {
    TABLE.contains_key(outward)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::normal::postcode;

    #[test]
    fn the_table_reads_whole_and_says_how_precise_it_is() {
        assert_eq!(TABLE.len(), 2_864);
        assert_eq!(TABLE.values().map(|outward| outward.sectors.len()).sum::<usize>(), 10_847);
        assert!(SECTORS.contains("Open Government Licence"));
        let at = |text: &str| locate(&postcode(text).unwrap());
        let sector = at("NG1 7DP").unwrap();
        assert_eq!((sector.point.precision, sector.area), (Precision::Sector, "E06000018"));
        let outward = at("NG1").unwrap();
        assert_eq!(outward.point.precision, Precision::Outcode);
        assert!(sector.point.metres(outward.point) < 2_000);
        assert_eq!(at("BT1 5GS"), None, "Northern Ireland is not guessed");
        assert_eq!(at("AB13 9ZZ").unwrap().point.precision, Precision::Outcode, "a sector that is not known");
    }

    #[test]
    fn distances_are_those_of_the_map() {
        let point = |lat, lon| Point::stated(lat, lon).unwrap();
        // Nottingham Castle to Lincoln Cathedral: 51.9 km. London to Edinburgh: 534 km. One second of arc: 31 m.
        for (a, b, metres) in [
            (point(52.9494, -1.1546), point(53.2344, -0.5362), 52_100),
            (point(51.5074, -0.1278), point(55.9533, -3.1883), 534_000),
            (point(52.0, 1.0), point(52.0002778, 1.0), 31),
            (point(-17.0, 179.99), point(-17.0, -179.99), 2_126),
        ] {
            let found = a.metres(b);
            assert_eq!(found, b.metres(a));
            assert!(found.abs_diff(metres) * 50 <= metres, "{found} for {metres}");
        }
        assert_eq!(Point::stated(0.0, 0.0), None);
        assert_eq!(Point::stated(f64::NAN, 1.0), None);
        assert_eq!(Point::stated(91.0, 1.0), None);
    }
}
