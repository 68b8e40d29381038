//! Which addresses are feed files: the grammar of PROTOCOL 1.3, nothing beside it.

use std::path::PathBuf;

/// What lies at an address, which decides its headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum Kind {
    /// The latest hub document.
    Hub,
    /// A numbered hub document.
    HubVersion,
    /// A checkpoint.
    Checkpoint,
    /// A hash tile.
    Hashes,
    /// An entry bundle.
    Entries,
    /// A part bundle.
    Parts,
    /// What this hub has seen of others.
    Seen,
    /// One of two notes that contradict each other.
    Evidence,
}

impl Kind {
    /// `Cache-Control`, as PROTOCOL 1.3 says.
    pub(super) fn caching(self) -> &'static str {
        match self {
            Kind::Hub | Kind::Seen => "max-age=300",
            Kind::Checkpoint => "no-cache",
            Kind::Parts => "public, max-age=300",
            Kind::HubVersion | Kind::Hashes | Kind::Entries | Kind::Evidence => "public, max-age=31536000, immutable",
        }
    }

    /// `Content-Type`.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Kind::Hub | Kind::HubVersion | Kind::Checkpoint | Kind::Parts | Kind::Evidence => {
                "text/plain; charset=utf-8"
            }
            Kind::Hashes | Kind::Entries | Kind::Seen => "application/octet-stream",
        }
    }

    /// Whether compressing it can gain anything: hashes are noise.
    pub(super) fn compressible(self) -> bool {
        self != Kind::Hashes
    }
}

/// Reads the path of a request as it came, still percent-encoded: no name of the grammar needs an escape, so one with
/// an escape is no name. The file's path is put together from the segments that were recognised, never from others.
///
/// Parts are served for the class `public` alone. The others want a signed request (PROTOCOL 1.8), and until there are
/// such, a file of another class that somebody put into the folder must not be world-readable.
pub(in crate::web) fn parse(path: &str) -> Option<(Kind, PathBuf)> {
    let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let kind = match segments.as_slice() {
        [".well-known", "groups-hub"] => Kind::Hub,
        ["seen"] => Kind::Seen,
        ["evidence", id, "1" | "2"] if id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()) => Kind::Evidence,
        ["hub", version] if number(version, 999_999_999) => Kind::HubVersion,
        ["v1", log, rest @ ..] if number(log, 999_999) => match rest {
            ["checkpoint"] => Kind::Checkpoint,
            ["tile", "entries", index @ ..] if bundle(index) => Kind::Entries,
            ["tile", level, index @ ..] if (*level == "0" || number(level, 63)) && bundle(index) => Kind::Hashes,
            ["part", "public", index @ ..] if bundle(index) => Kind::Parts,
            _ => return None,
        },
        _ => return None,
    };
    Some((kind, segments.iter().collect()))
}

/// A decimal number from 1 to `most`, written the one way.
fn number(text: &str, most: u32) -> bool {
    let digits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    digits && !text.starts_with('0') && text.parse().is_ok_and(|n: u32| n <= most)
}

/// tlog-tiles' index: `x001/x234/067`, or `067.p/12` for a bundle that is not full.
fn bundle(segments: &[&str]) -> bool {
    let three = |text: &str| text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit());
    let (marked, last) = match segments {
        // The mark tells a width from an index: `x001/100` is bundle 1100, not 100 entries of something.
        [marked @ .., last, width] if last.ends_with(".p") => match last.strip_suffix(".p") {
            Some(last) if number(width, 255) => (marked, last),
            _ => return false,
        },
        [marked @ .., last] => (marked, *last),
        [] => return false,
    };
    // Six levels are 10^18 bundles. The first of them may not be x000: then a shorter name says the same.
    three(last)
        && marked.len() <= 5
        && marked.first() != Some(&"x000")
        && marked.iter().all(|text| text.strip_prefix('x').is_some_and(three))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::tile;
    use proptest::prelude::*;
    use std::path::Component;

    #[test]
    fn the_grammar_holds_the_feed_and_nothing_else() {
        for (path, kind) in [
            ("/.well-known/groups-hub", Kind::Hub),
            ("/hub/1", Kind::HubVersion),
            ("/seen", Kind::Seen),
            ("/evidence/0123456789abcdef/2", Kind::Evidence),
            ("/v1/1/checkpoint", Kind::Checkpoint),
            ("/v1/12/tile/0/000", Kind::Hashes),
            ("/v1/1/tile/2/x001/x234/067.p/255", Kind::Hashes),
            ("/v1/1/tile/entries/000.p/5", Kind::Entries),
            ("/v1/1/part/public/x001/000", Kind::Parts),
            ("/v1/1/tile/entries/x001/100", Kind::Entries),
        ] {
            assert_eq!(parse(path).map(|(kind, _)| kind), Some(kind), "{path}");
        }
        for path in [
            "",
            "/",
            "//",
            "/hub/",
            "/hub/0",
            "/seen/",
            "/evidence/0123456789abcdef/3",
            "/evidence/../1",
            "/hub/01",
            "/hub/1/",
            "/hub/-1",
            "/hub/1000000000",
            "/hub/..",
            "/.well-known/",
            "/.well-known/groups-hub/",
            "/.WELL-KNOWN/groups-hub",
            "/v1/checkpoint",
            "/v1/0/checkpoint",
            "/v1/1//checkpoint",
            "/v1/1/checkpoint.tmp",
            "/v1/../checkpoint",
            "/v1/1/tile/64/000",
            "/v1/1/tile/00/000",
            "/v1/1/tile/0/00",
            "/v1/1/tile/0/0000",
            "/v1/1/tile/0/x000/000",
            "/v1/1/tile/0/001/000",
            "/v1/1/tile/0/000.p/0",
            "/v1/1/tile/0/000.p/256",
            "/v1/1/tile/0/000.p/01",
            "/v1/1/tile/0/000.p",
            "/v1/1/tile/0/000.p.p/1",
            "/v1/1/tile/entries/..",
            "/v1/1/tile/entries/%30%30%30",
            "/v1/1/part/contact/000",
            "/v1/1/part/../part/public/000",
            "/v1/1/part/public/000\0",
            "/%2e%2e/etc/passwd",
            "/v1/1/part/public/..%2f000",
            "/etc/passwd",
            "hub/1",
            "\\hub\\1",
        ] {
            assert_eq!(parse(path), None, "{path}");
        }
    }

    proptest! {
        /// Whatever is asked, the file lies below the folder.
        #[test]
        fn no_path_leads_out(path in "/?(\\.well-known|hub|v1|tile|part|public|entries|[0-9x.p%2ef/]{1,6}|\\.\\.|/){0,8}") {
            if let Some((_, file)) = parse(&path) {
                prop_assert!(file.components().all(|part| matches!(part, Component::Normal(_))));
                prop_assert_eq!(format!("/{}", file.display()), path);
            }
        }

        /// Whatever the publisher names, the server knows.
        #[test]
        fn every_name_of_the_feed_is_known(level in 0u8..=63, n in 0u64..1_000_000_000_000, width in 1u64..=256) {
            for (path, kind) in [
                (tile::tile(level, n, width), Kind::Hashes),
                (tile::entries(n, width), Kind::Entries),
                (tile::parts("public", n, width), Kind::Parts),
            ] {
                prop_assert_eq!(parse(&format!("/v1/3/{path}")).map(|(kind, _)| kind), Some(kind), "{}", path);
            }
        }
    }
}
