//! The forms in which telephone numbers, mailboxes, addresses on the web and charity numbers are compared.
//!
//! Each answers `None` for what identifies nobody: placeholders, a platform's front page, a form that anyone may share.

use super::normal_text::is_placeholder;
use url::Url;

/// A telephone number as `+` and digits. UK numbers may lack their first 0 (spreadsheets eat it). An extension, and a
/// second number, are left out.
pub fn phone(text: &str) -> Option<String> {
    let lower = text.trim().to_ascii_lowercase();
    if is_placeholder(&lower) {
        return None;
    }
    // The first number only: what follows an extension mark or a second number would be read as more digits.
    let ends = ["ext", "x", "#", " or ", "/", ";", "("];
    let end = ends
        .iter()
        .filter_map(|mark| lower.match_indices(mark).map(|(at, _)| at).find(|at| digits(&lower[..*at]).len() >= 7))
        .min()
        .unwrap_or(lower.len());
    // "1159111662.0": a spreadsheet's idea of a telephone number.
    let first = lower[..end].trim_end();
    let first = first.strip_suffix(".0").unwrap_or(first);
    if first.contains("e+") {
        return None;
    }
    let all = digits(first);
    let abroad = first.trim_start_matches(|c: char| !c.is_ascii_digit() && c != '+').starts_with('+');
    let national =
        if let Some(rest) = all.strip_prefix("0044").or_else(|| all.strip_prefix("44").filter(|r| r.len() >= 9)) {
            rest.strip_prefix('0').unwrap_or(rest)
        } else if abroad || all.starts_with("00") {
            let foreign = all.trim_start_matches('0');
            // What begins as a British number and is none is no other country's either.
            let sound = (8..=15).contains(&foreign.len()) && !foreign.starts_with("44") && !dull(foreign);
            return sound.then(|| format!("+{foreign}"));
        } else {
            all.strip_prefix('0').unwrap_or(&all)
        };
    let first_digit = national.bytes().next()?;
    let long_enough = national.len() == 10 || national.len() == 9 && first_digit == b'1';
    (long_enough && b"12356789".contains(&first_digit) && !dull(national)).then(|| format!("+44{national}"))
}

/// All telephone numbers in a text ("01960 183830 or 07700 900123"), in its order, once each.
pub fn phones(text: &str) -> Vec<String> {
    let lower = text.to_ascii_lowercase();
    let mut found: Vec<String> = Vec::new();
    let rest = lower.split(" or ").flat_map(|part| part.split(['/', ';', ',', '|']));
    for number in std::iter::once(lower.as_str()).chain(rest).filter_map(phone) {
        if !found.contains(&number) {
            found.push(number);
        }
    }
    found
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// 1111111111, 1234567890: typed to fill a box.
fn dull(number: &str) -> bool {
    let tail = number.as_bytes().get(1..).unwrap_or_default();
    tail.windows(2).all(|pair| pair[0] == pair[1]) || "12345678901234567890".contains(number)
}

/// Whether a number from [`phone`] belongs to an organisation rather than to one place or person (03, 08, 09): many
/// groups give their switchboard's.
pub fn is_switchboard(number: &str) -> bool {
    number.strip_prefix("+44").is_some_and(|rest| rest.starts_with(['3', '8', '9']))
}

/// A mailbox in lower case.
pub fn email(text: &str) -> Option<String> {
    let lower = text.trim().to_lowercase();
    let bare = lower.strip_prefix("mailto:").unwrap_or(&lower);
    let bare = bare.split('?').next().unwrap_or(bare).trim_matches(|c: char| "<>.,;: ".contains(c));
    let (user, domain) = bare.split_once('@')?;
    let domain = if domain == "googlemail.com" { "gmail.com" } else { domain };
    let sound = !user.is_empty()
        && domain.contains('.')
        && !domain.starts_with('.')
        && !bare.contains(|c: char| c.is_whitespace() || c.is_control() || ",;<>".contains(c))
        && !domain.contains('@');
    let nobody = matches!(user, "noreply" | "no-reply" | "donotreply")
        || ["example.com", "example.org", "example.net", "example.co.uk", "test.com"].contains(&domain);
    (sound && !nobody).then(|| format!("{user}@{domain}"))
}

/// An address on the web in the form it is compared in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Web {
    /// Host, path and what counts of the query: `facebook.com/groups/123`.
    pub text: String,
    /// Whether it is a page, rather than the front page of a host.
    pub page: bool,
}

/// Reads an address on the web; `None` when it identifies nobody.
pub fn web(text: &str) -> Option<Web> {
    let trimmed = text.trim().trim_matches(['<', '>', '"', '\'']);
    if is_placeholder(trimmed) || trimmed.contains(char::is_whitespace) {
        return None;
    }
    let lower = trimmed.get(..8).unwrap_or(trimmed).to_ascii_lowercase();
    let url = if lower.starts_with("http://") || lower.starts_with("https://") {
        Url::parse(trimmed).ok()?
    } else if lower.starts_with("mailto:")
        || lower.starts_with("tel:")
        || trimmed.contains("://")
        || trimmed.contains('@')
    {
        return None;
    } else {
        Url::parse(&format!("https://{trimmed}")).ok()?
    };
    unwrapped(url, 3)
}

/// Follows the redirectors that address bars and platforms wrap round an address.
fn unwrapped(url: Url, times: u8) -> Option<Web> {
    let (host, platform) = host(&url)?;
    let target = match (host.as_str(), url.path()) {
        (_, "/url") if host == "google.com" || host == "google.co.uk" => argument(&url, &["q", "url"]),
        ("l.facebook.com" | "lm.facebook.com", "/l.php") => argument(&url, &["u"]),
        _ => return plain(&url, host, platform),
    };
    unwrapped(Url::parse(&target?).ok()?, times.checked_sub(1)?)
}

fn argument(url: &Url, names: &[&str]) -> Option<String> {
    url.query_pairs().find(|(name, _)| names.contains(&name.as_ref())).map(|(_, value)| value.into_owned())
}

/// Hosts on which a thousand groups live side by side: their front page is nobody's.
const PLATFORMS: [&str; 32] = [
    "facebook.com",
    "google.com",
    "google.co.uk",
    "docs.google.com",
    "drive.google.com",
    "sites.google.com",
    "groups.google.com",
    "forms.gle",
    "goo.gl",
    "bit.ly",
    "tinyurl.com",
    "linktr.ee",
    "twitter.com",
    "instagram.com",
    "youtube.com",
    "youtu.be",
    "linkedin.com",
    "tiktok.com",
    "whatsapp.com",
    "chat.whatsapp.com",
    "wa.me",
    "t.me",
    "nextdoor.co.uk",
    "nextdoor.com",
    "meetup.com",
    "eventbrite.co.uk",
    "eventbrite.com",
    "zoom.us",
    "slack.com",
    "discord.gg",
    "justgiving.com",
    "gofundme.com",
];

/// Whether a host is one on which a thousand groups live side by side.
pub fn is_platform(host: &str) -> bool {
    PLATFORMS.contains(&host)
}

/// The host without what says only how the page is shown, and whether it is a platform's.
fn host(url: &Url) -> Option<(String, bool)> {
    let mut host = url.host_str()?.trim_end_matches('.');
    if !host.contains('.') || matches!(url.host(), Some(url::Host::Ipv4(_) | url::Host::Ipv6(_))) {
        return None;
    }
    for prefix in ["www.", "m.", "mobile.", "web.", "www2."] {
        if let Some(rest) = host.strip_prefix(prefix).filter(|rest| rest.contains('.')) {
            host = rest;
        }
    }
    if matches!(host, "example.com" | "example.org" | "example.net" | "example.co.uk") {
        return None;
    }
    // "en-gb.facebook.com", "mbasic.facebook.com"; "l." is the redirector, unwrapped before.
    let host = match host {
        "fb.com" | "fb.me" => "facebook.com",
        "x.com" => "twitter.com",
        other if other.ends_with(".facebook.com") && !matches!(other, "l.facebook.com" | "lm.facebook.com") => {
            "facebook.com"
        }
        other => other,
    };
    Some((host.to_owned(), PLATFORMS.contains(&host)))
}

fn plain(url: &Url, host: String, platform: bool) -> Option<Web> {
    let mut path: Vec<&str> = url.path().split('/').filter(|segment| !segment.is_empty()).collect();
    if path.last().is_some_and(|last| ["index.html", "index.htm", "index.php", "default.aspx"].contains(last)) {
        path.pop();
    }
    let query = match host.as_str() {
        "facebook.com" => facebook(url, &mut path)?,
        "api.whatsapp.com" | "maps.google.com" => return None,
        "google.com" | "google.co.uk" if path.first() != Some(&"groups") => return None,
        "chat.whatsapp.com" => {
            // Invitations are case-sensitive codes.
            path.retain(|segment| *segment != "invite");
            String::new()
        }
        // What the reader happens to see, whoever it is.
        "nextdoor.co.uk" if path.first() == Some(&"news_feed") => return None,
        "twitter.com" | "instagram.com" | "nextdoor.co.uk" => String::new(),
        _ => query(url),
    };
    let page = !path.is_empty() || !query.is_empty();
    if platform && !page {
        return None;
    }
    let mut text = host;
    for segment in path {
        text.push('/');
        text.push_str(segment);
    }
    if text.starts_with("facebook.com") || text.starts_with("twitter.com") || text.starts_with("instagram.com") {
        text.make_ascii_lowercase();
    }
    text.push_str(&query);
    Some(Web { text, page })
}

/// Facebook's paths, down to the group, page or profile they stand under.
fn facebook(url: &Url, path: &mut Vec<&str>) -> Option<String> {
    let first = path.first().map(|first| first.to_ascii_lowercase());
    match first.as_deref() {
        None | Some("home.php" | "login" | "login.php" | "sharer" | "sharer.php" | "share.php" | "search" | "help") => {
            None
        }
        Some("profile.php" | "group.php" | "story.php" | "photo.php" | "permalink.php") => {
            argument(url, &["id", "gid"]).map(|id| format!("?id={id}"))
        }
        Some("groups" | "events" | "share") => {
            path.truncate(if first.as_deref() == Some("share") { 3 } else { 2 });
            let bare = path.get(1).is_none_or(|id| ["feed", "discover", "join"].contains(id));
            (!bare).then(String::new)
        }
        Some("pages" | "people") => {
            path.truncate(3);
            (path.len() == 3).then(String::new)
        }
        Some("pg") => {
            path.remove(0);
            path.truncate(1);
            (!path.is_empty()).then(String::new)
        }
        Some(_) => {
            path.truncate(1);
            Some(String::new())
        }
    }
}

/// What counts of a query, sorted: tracking says how somebody came, not where to.
fn query(url: &Url) -> String {
    const NOISE: [&str; 21] = [
        "fbclid", "gclid", "dclid", "msclkid", "igshid", "igsh", "mibextid", "ref", "refid", "referrer", "source",
        "src", "sfnsn", "share", "usp", "si", "sa", "ust", "usg", "ved", "_ga",
    ];
    let mut kept: Vec<String> = url
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default().to_ascii_lowercase();
            !name.is_empty()
                && !NOISE.contains(&name.as_str())
                && !["utm_", "mc_", "hsa_", "notif_", "__"].iter().any(|start| name.starts_with(start))
        })
        .map(str::to_owned)
        .collect();
    kept.sort_unstable();
    kept.dedup();
    if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) }
}

/// A charity number as an org-id.guide id: England and Wales `GB-CHC-…`, Scotland `GB-SC-SC…`, Northern Ireland `GB-NIC-…`.
pub fn charity(text: &str) -> Option<String> {
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    let (register, number) = if let Some(rest) = bare.strip_prefix("GB-") {
        rest.split_once('-')?
    } else if bare.starts_with("SC") {
        ("SC", bare.as_str())
    } else if let Some(rest) = bare.strip_prefix("NIC") {
        ("NIC", rest)
    } else if !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit()) {
        ("CHC", bare.as_str())
    } else {
        return None;
    };
    let number = match register {
        "SC" => number.strip_prefix("SC").unwrap_or(number),
        "NIC" => number.strip_prefix("NIC").unwrap_or(number),
        // A linked charity (1234567-1) is another body than its parent.
        _ => number,
    };
    let significant = number.trim_start_matches('0');
    let sound =
        (5..=12).contains(&significant.len()) && significant.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let dull = significant.bytes().all(|b| Some(b) == significant.bytes().next());
    (sound && !dull).then(|| match register {
        "SC" => format!("GB-SC-SC{significant:0>6}"),
        _ => format!("GB-{register}-{significant}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_telephone_number_has_one_form() {
        // Found by fuzzing: zeros before a British number that is too long made a form that was not its own.
        assert_eq!(phone("0000442026044202600Z"), None);
        for text in [
            "0115 911 1662",
            "01159111662",
            "(0115) 911 1662",
            "+44 115 911 1662",
            "+44 (0)115 9111662",
            "0044 115 911 1662",
            "441159111662",
            "1159111662",
            "1159111662.0",
            "0115-911-1662",
            "0115 911 1662 ext 12",
            "0115 911 1662 x12",
            "0115 911 1662 / 07700 900123",
            "0115 911 1662 or 07700 900123",
            "Tel: 0115 911 1662 (ask for the desk)",
            "0115 911 1662 #4",
        ] {
            assert_eq!(phone(text).as_deref(), Some("+441159111662"), "{text}");
        }
        assert_eq!(phones("01960-183830 or 07700 900123"), ["+441960183830", "+447700900123"]);
        assert_eq!(phone("016977 2345").as_deref(), Some("+44169772345"));
        assert_eq!(phone("+353 1 234 5678").as_deref(), Some("+35312345678"));
        for none in [
            "",
            "N/A",
            "TBC",
            "none",
            "12345",
            "00000000000",
            "01234567890",
            "07777777777",
            "1.15911E+09",
            "999",
            "ask at desk",
        ] {
            assert_eq!(phone(none), None, "{none}");
        }
        assert!(is_switchboard("+443001234567") && is_switchboard("+448081234567") && !is_switchboard("+441159111662"));
    }

    #[test]
    fn one_mailbox_has_one_form() {
        for text in [
            "Info@Carers.org.uk",
            " info@carers.org.uk ",
            "mailto:info@carers.org.uk?subject=Hi",
            "<info@carers.org.uk>.",
        ] {
            assert_eq!(email(text).as_deref(), Some("info@carers.org.uk"), "{text}");
        }
        assert_eq!(email("a.b@googlemail.com"), email("A.B@gmail.com"));
        for none in [
            "",
            "n/a",
            "@",
            "info@",
            "info at carers.org",
            "info@localhost",
            "a@b.uk c@d.uk",
            "noreply@carers.org",
            "me@example.com",
        ] {
            assert_eq!(email(none), None, "{none}");
        }
    }

    #[test]
    fn one_page_has_one_form() {
        for text in [
            "https://www.facebook.com/groups/168043094162438/?ref=group_browse",
            "http://m.facebook.com/groups/168043094162438",
            "facebook.com/groups/168043094162438/?ref=share&notif_t=groups_member_joined",
            "https://en-gb.facebook.com/groups/168043094162438/permalink/123/",
            "https://www.google.com/url?q=https://www.facebook.com/groups/168043094162438/&sa=D&ust=1584988974740000",
            "https://l.facebook.com/l.php?u=https%3A%2F%2Fwww.facebook.com%2Fgroups%2F168043094162438&h=AT0",
        ] {
            assert_eq!(web(text).map(|w| w.text).as_deref(), Some("facebook.com/groups/168043094162438"), "{text}");
        }
        let same = [
            ("https://www.Carers.org.uk/Essex/", "carers.org.uk/Essex"),
            ("http://carers.org.uk", "https://carers.org.uk/index.html?utm_source=x&fbclid=1"),
            ("https://a.uk/p?b=2&a=1#top", "http://a.uk/p?a=1&b=2"),
            ("https://m.facebook.com/SipandTalkUK/?ref=bookmarks", "https://facebook.com/pg/sipandtalkuk/about"),
            ("https://www.facebook.com/profile.php?id=12&ref=x", "https://facebook.com/profile.php?id=12"),
            ("https://chat.whatsapp.com/invite/HPtPvV2f", "https://chat.whatsapp.com/HPtPvV2f"),
        ];
        for (a, b) in same {
            assert_eq!(web(a), web(b), "{a} / {b}");
            assert!(web(a).is_some(), "{a}");
        }
        let different = [
            ("https://facebook.com/groups/1", "https://facebook.com/groups/2"),
            ("https://chat.whatsapp.com/HPtPvV2f", "https://chat.whatsapp.com/hptpvv2f"),
            ("https://a.uk/group?id=1", "https://a.uk/group?id=2"),
            ("https://facebook.com/profile.php?id=12", "https://facebook.com/profile.php?id=13"),
        ];
        for (a, b) in different {
            assert!(web(a).is_some() && web(b).is_some() && web(a) != web(b), "{a} / {b}");
        }
        assert!(!web("https://emsworthalliance.co.uk/").unwrap().page);
        assert!(web("https://emsworthalliance.co.uk/carers").unwrap().page);
    }

    #[test]
    fn an_address_that_identifies_nobody_is_none() {
        for text in [
            "",
            "N/A",
            "tbc",
            "none",
            "facebook.com",
            "https://www.facebook.com/",
            "https://m.facebook.com/groups",
            "https://facebook.com/home.php",
            "https://google.com",
            "https://www.google.com/search?q=carers",
            "https://nextdoor.co.uk/news_feed/?post=17592193544146",
            "https://chat.whatsapp.com",
            "https://chat.whatsapp.com/",
            "https://api.whatsapp.com/send?phone=447700900123",
            "mailto:info@carers.org",
            "info@carers.org",
            "tel:01159111662",
            "Facebook group",
            "http://",
            "https://localhost/a",
            "http://127.0.0.1/x",
            "https://www.example.com/group",
            "ftp://a.uk/x",
            "https://bit.ly",
        ] {
            assert_eq!(web(text), None, "{text}");
        }
    }

    #[test]
    fn one_charity_number_has_one_form() {
        for text in ["GB-CHC-1234567", "1234567", " 1234567 ", "gb-chc-1234567", "01234567"] {
            assert_eq!(charity(text).as_deref(), Some("GB-CHC-1234567"), "{text}");
        }
        assert_eq!(charity("SC012345").as_deref(), Some("GB-SC-SC012345"));
        assert_eq!(charity("GB-SC-SC012345").as_deref(), Some("GB-SC-SC012345"));
        assert_eq!(charity("NIC 100123"), charity("GB-NIC-100123"));
        for none in ["", "N/A", "pending", "0000000", "1111111", "12"] {
            assert_eq!(charity(none), None, "{none}");
        }
    }
}
