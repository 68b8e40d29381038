//! Real towns, so that maps and areas look right, with telephone numbers and postcodes that nobody can have.

use super::draw::Draw;

/// A town groups meet in.
pub struct Town {
    /// Its name.
    pub name: &'static str,
    /// GSS code of its local authority.
    pub area: &'static str,
    /// Outward half of its postcodes.
    pub outward: &'static str,
    /// Roughly where its centre is: hundredths of a degree north and east (WGS 84).
    pub at: (i32, i32),
}

const fn town(name: &'static str, area: &'static str, outward: &'static str, north: i32, east: i32) -> Town {
    Town { name, area, outward, at: (north, east) }
}

/// Nottingham, its districts, and the towns of Nottinghamshire.
pub const NOTTINGHAMSHIRE: [Town; 40] = [
    town("Nottingham", "E06000018", "NG1", 5295, -115),
    town("Sherwood", "E06000018", "NG5", 5298, -115),
    town("Hyson Green", "E06000018", "NG7", 5297, -117),
    town("Bulwell", "E06000018", "NG6", 5300, -120),
    town("Clifton", "E06000018", "NG11", 5291, -118),
    town("St Ann's", "E06000018", "NG3", 5296, -113),
    town("The Meadows", "E06000018", "NG2", 5294, -115),
    town("Wollaton", "E06000018", "NG8", 5295, -121),
    town("Radford", "E06000018", "NG7", 5296, -118),
    town("Sneinton", "E06000018", "NG2", 5295, -113),
    town("Aspley", "E06000018", "NG8", 5297, -120),
    town("Bestwood", "E06000018", "NG5", 5300, -117),
    town("Beeston", "E07000172", "NG9", 5293, -121),
    town("Stapleford", "E07000172", "NG9", 5293, -127),
    town("Eastwood", "E07000172", "NG16", 5302, -130),
    town("Kimberley", "E07000172", "NG16", 5300, -126),
    town("Arnold", "E07000173", "NG5", 5300, -113),
    town("Carlton", "E07000173", "NG4", 5297, -109),
    town("Mapperley", "E07000173", "NG3", 5298, -112),
    town("Calverton", "E07000173", "NG14", 5304, -108),
    town("West Bridgford", "E07000176", "NG2", 5293, -113),
    town("Bingham", "E07000176", "NG13", 5295, -95),
    town("Cotgrave", "E07000176", "NG12", 5291, -104),
    town("Ruddington", "E07000176", "NG11", 5289, -115),
    town("Keyworth", "E07000176", "NG12", 5287, -109),
    town("Radcliffe-on-Trent", "E07000176", "NG12", 5295, -104),
    town("Mansfield", "E07000174", "NG18", 5314, -120),
    town("Mansfield Woodhouse", "E07000174", "NG19", 5317, -119),
    town("Warsop", "E07000174", "NG20", 5320, -115),
    town("Sutton-in-Ashfield", "E07000170", "NG17", 5313, -126),
    town("Kirkby-in-Ashfield", "E07000170", "NG17", 5310, -125),
    town("Hucknall", "E07000170", "NG15", 5304, -120),
    town("Newark-on-Trent", "E07000175", "NG24", 5308, -81),
    town("Balderton", "E07000175", "NG24", 5306, -77),
    town("Southwell", "E07000175", "NG25", 5308, -96),
    town("Ollerton", "E07000175", "NG22", 5320, -102),
    town("Edwinstowe", "E07000175", "NG21", 5319, -107),
    town("Worksop", "E07000171", "S80", 5330, -112),
    town("Retford", "E07000171", "DN22", 5332, -94),
    town("Harworth", "E07000171", "DN11", 5342, -107),
];

/// Nottinghamshire towns whose groups draw people from Long Eaton or Ilkeston, over the county border.
pub const BORDER: [(Town, &str); 4] = [
    (town("Stapleford", "E07000172", "NG9", 5293, -127), "Stapleford, Sandiacre and Long Eaton"),
    (town("Eastwood", "E07000172", "NG16", 5302, -130), "Eastwood, Langley Mill and Ilkeston"),
    (town("Beeston", "E07000172", "NG9", 5293, -121), "Beeston, Attenborough and Long Eaton"),
    (town("Kimberley", "E07000172", "NG16", 5300, -126), "Kimberley, Awsworth and Ilkeston"),
];

/// Derby and the towns of Derbyshire; the border towns stand twice because they have more groups.
pub const DERBYSHIRE: [Town; 24] = [
    town("Long Eaton", "E07000036", "NG10", 5290, -127),
    town("Long Eaton", "E07000036", "NG10", 5290, -127),
    town("Ilkeston", "E07000036", "DE7", 5297, -131),
    town("Ilkeston", "E07000036", "DE7", 5297, -131),
    town("Sandiacre", "E07000036", "NG10", 5292, -129),
    town("Derby", "E06000015", "DE1", 5292, -147),
    town("Littleover", "E06000015", "DE23", 5290, -150),
    town("Chaddesden", "E06000015", "DE21", 5293, -143),
    town("Belper", "E07000032", "DE56", 5303, -148),
    town("Ripley", "E07000032", "DE5", 5305, -140),
    town("Heanor", "E07000032", "DE75", 5301, -135),
    town("Alfreton", "E07000032", "DE55", 5310, -138),
    town("Chesterfield", "E07000034", "S40", 5324, -143),
    town("Staveley", "E07000034", "S43", 5327, -135),
    town("Dronfield", "E07000038", "S18", 5330, -147),
    town("Clay Cross", "E07000038", "S45", 5316, -141),
    town("Matlock", "E07000035", "DE4", 5314, -155),
    town("Bakewell", "E07000035", "DE45", 5321, -167),
    town("Ashbourne", "E07000035", "DE6", 5302, -173),
    town("Buxton", "E07000037", "SK17", 5326, -191),
    town("Glossop", "E07000037", "SK13", 5344, -195),
    town("Bolsover", "E07000033", "S44", 5323, -129),
    town("Shirebrook", "E07000033", "NG20", 5320, -122),
    town("Swadlincote", "E07000039", "DE11", 5277, -156),
];

/// Towns of Essex with Southend and Thurrock.
pub const ESSEX: [Town; 20] = [
    town("Colchester", "E07000071", "CO1", 5189, 90),
    town("Clacton-on-Sea", "E07000076", "CO15", 5179, 116),
    town("Harwich", "E07000076", "CO12", 5194, 129),
    town("Braintree", "E07000067", "CM7", 5188, 55),
    town("Witham", "E07000067", "CM8", 5180, 64),
    town("Halstead", "E07000067", "CO9", 5194, 64),
    town("Chelmsford", "E07000070", "CM1", 5174, 47),
    town("Maldon", "E07000074", "CM9", 5173, 68),
    town("Southend-on-Sea", "E06000033", "SS1", 5154, 71),
    town("Leigh-on-Sea", "E06000033", "SS9", 5154, 65),
    town("Rayleigh", "E07000075", "SS6", 5159, 60),
    town("Basildon", "E07000066", "SS14", 5157, 49),
    town("Billericay", "E07000066", "CM12", 5163, 42),
    town("Brentwood", "E07000068", "CM14", 5162, 30),
    town("Harlow", "E07000073", "CM20", 5177, 9),
    town("Epping", "E07000072", "CM16", 5170, 11),
    town("Saffron Walden", "E07000077", "CB10", 5202, 24),
    town("Great Dunmow", "E07000077", "CM6", 5187, 36),
    town("Grays", "E06000034", "RM17", 5148, 33),
    town("Canvey Island", "E07000069", "SS8", 5152, 58),
];

/// A postcode that looks right for the town and is nobody's: real inward halves never hold the letters C, I, K, M, O and V.
pub fn postcode(draw: &mut Draw, outward: &str) -> String {
    let letters = ['C', 'K', 'M', 'V'];
    let digit = 1 + draw.below(9);
    format!("{outward} {digit}{}{}", draw.pick(&letters), draw.pick(&letters))
}

/// Ofcom's ranges for drama, a thousand numbers each: assigned to nobody, so ringing one disturbs nobody.
const RANGES: [&str; 18] = [
    "0115 496 0",
    "01632 960",
    "07700 900",
    "03069 990",
    "08081 570",
    "0113 496 0",
    "0114 496 0",
    "0116 496 0",
    "0117 496 0",
    "0118 496 0",
    "0121 496 0",
    "0131 496 0",
    "0141 496 0",
    "0151 496 0",
    "0161 496 0",
    "020 7946 0",
    "0191 498 0",
    "029 2018 0",
];

/// Nottingham's range.
pub const CITY: usize = 0;
/// The range that belongs to no area.
pub const NO_AREA: usize = 1;
/// The mobile range.
pub const MOBILE: usize = 2;

/// Number `n` (0–999) of a range.
pub fn phone(range: usize, n: usize) -> String {
    format!("{}{n:03}", RANGES[range])
}

/// The `n`th of all drama numbers, while there are any.
pub fn nth_phone(n: usize) -> Option<String> {
    (n < RANGES.len() * 1000).then(|| phone(n % RANGES.len(), n / RANGES.len()))
}

/// A village name that is put together, for when there are more groups than towns.
pub fn village(draw: &mut Draw) -> String {
    const FIRST: [&str; 36] = [
        "Alder", "Amber", "Ash", "Barn", "Beck", "Birch", "Brad", "Bram", "Cald", "Clay", "Cold", "Crow", "Dun",
        "East", "Elm", "Farn", "Fen", "Hazel", "Hart", "Hol", "Kel", "Lang", "Lin", "Mar", "Nor", "Oak", "Ox", "Raven",
        "Red", "Sel", "Stan", "Thorn", "Wel", "Whit", "Win", "Wood",
    ];
    const LAST: [&str; 24] = [
        "bourne", "bridge", "brook", "bury", "by", "church", "combe", "cote", "dale", "den", "field", "ford", "ham",
        "hurst", "ington", "ley", "low", "mere", "stead", "stow", "thorpe", "ton", "wick", "worth",
    ];
    format!("{}{}", draw.pick(&FIRST), draw.pick(&LAST))
}
