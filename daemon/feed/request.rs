//! Requests that a hub signs with its peer key (RFC 9421), for what is not everybody's (PROTOCOL 1.8).
//!
//! One profile and no other: a GET's `@method`, `@authority`, `@path` and `@query`, Ed25519, the tag of this protocol. Other
//! components, algorithms or tags are refused, never negotiated: what cannot be chosen cannot be chosen badly.
//!
//! Written here rather than taken from the crate `httpsig` (0.0.26): that brings P-256, P-384, HMAC and optionally RSA for
//! one Ed25519 signature, and verifies it by a rule other than `verify_strict`, by which everything else here is checked. The
//! Python package `http-message-signatures` signs and verifies with us in `tests/suite/attacks/contact.rs`, both ways, and
//! the example of RFC 9421's appendix B.2.6 is a test below.

use super::note::{SigningKey, VerifyKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::fmt::Write;

/// The tag under which hubs of this protocol sign.
pub const TAG: &str = "groups-feed/v1";
/// The only algorithm.
const ALGORITHM: &str = "ed25519";
/// Seconds by which a reader's clock and the publisher's may differ.
pub const SKEW: i64 = 300;
/// What is covered. All of it, each once, in any order.
const COMPONENTS: [&str; 4] = ["@method", "@authority", "@path", "@query"];
/// What a refusal asks for (RFC 9421, section 5.1).
pub const ACCEPT: &str =
    r#"sig1=("@method" "@authority" "@path" "@query");created;keyid;alg="ed25519";tag="groups-feed/v1""#;

/// What a request asks for. `@target-uri` is not among it: behind a proxy that ends TLS a server does not know the scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// GET, as a rule.
    pub method: &'a str,
    /// Host, and port where it is not the scheme's own; lower case.
    pub authority: &'a str,
    /// Path, as sent.
    pub path: &'a str,
    /// What follows the `?`, where there is one.
    pub query: Option<&'a str>,
}

/// The values of `Signature-Input` and `Signature`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headers {
    /// What was signed.
    pub input: String,
    /// The signature.
    pub signature: String,
}

/// Why a request is not believed. [`Refused::code`] is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No signature under this protocol's tag.
    #[error("the request is not signed under the tag {TAG}")]
    Unsigned,
    /// The headers are no structured fields of the form that RFC 9421 gives.
    #[error("the signature headers cannot be read")]
    Malformed,
    /// Not exactly the components that must be covered.
    #[error("the signature must cover @method, @authority, @path and @query, each once")]
    Components,
    /// Another algorithm, or none named.
    #[error("only alg=\"ed25519\" is known here")]
    Algorithm,
    /// Made too long ago, or in the future.
    #[error("the signature was not made within five minutes of now")]
    Time,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    Signature,
}

impl Refused {
    /// Stable kebab-case code.
    pub fn code(self) -> &'static str {
        match self {
            Refused::Unsigned => "request-unsigned",
            Refused::Malformed => "request-malformed",
            Refused::Components => "request-components",
            Refused::Algorithm => "request-algorithm",
            Refused::Time => "request-time",
            Refused::Signature => "request-signature",
        }
    }
}

/// By what name a request says whose key signed it: the key's name and id.
pub fn key_id(key: &VerifyKey) -> String {
    format!("{}+{}", key.name(), key.fingerprint())
}

/// The signature base (RFC 9421, section 2.5): a line for each component, then the parameters.
fn base<'a>(components: impl IntoIterator<Item = (&'a str, &'a str)>, params: &str) -> String {
    let mut text = String::new();
    for (name, value) in components {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\"{name}\": {value}");
    }
    let _ = write!(text, "\"@signature-params\": {params}");
    text
}

impl Target<'_> {
    fn base(&self, covered: &[String], params: &str) -> String {
        let query = format!("?{}", self.query.unwrap_or_default());
        let value = |name: &str| match name {
            "@method" => self.method,
            "@authority" => self.authority,
            "@path" => self.path,
            _ => &query,
        };
        base(covered.iter().map(|name| (name.as_str(), value(name))), params)
    }
}

/// Signs a request at a time (seconds since 1970).
pub fn sign(target: &Target<'_>, key: &SigningKey, created: i64) -> Headers {
    let covered: Vec<String> = COMPONENTS.map(str::to_owned).into();
    let names: Vec<String> = COMPONENTS.iter().map(|name| format!("\"{name}\"")).collect();
    let params = format!(
        "({});created={created};keyid=\"{}\";alg=\"{ALGORITHM}\";tag=\"{TAG}\"",
        names.join(" "),
        key_id(key.public())
    );
    let signature = key.sign_bytes(target.base(&covered, &params).as_bytes());
    Headers { input: format!("sig1={params}"), signature: format!("sig1=:{}:", STANDARD.encode(signature)) }
}

/// What a request says of its signature. Nothing of it is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Whose key it says.
    pub key_id: String,
    created: i64,
    expires: Option<i64>,
    covered: Vec<String>,
    params: String,
    signature: [u8; 64],
}

impl Claim {
    /// Reads the two headers, and takes the first signature under this protocol's tag.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn read(input: &str, signature: &str) -> Result<Claim, Refused> {
        for (label, value) in dictionary(input)? {
            let (covered, params) = inner_list(value)?;
            let text = |wanted: &str| {
                let found = params.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
                found.and_then(|value| if let Bare::Text(text) = value { Some(text.clone()) } else { None })
            };
            let number = |wanted: &str| {
                let found = params.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
                found.and_then(|value| if let Bare::Number(number) = value { Some(*number) } else { None })
            };
            if text("tag").as_deref() != Some(TAG) {
                continue;
            }
            if covered.len() != COMPONENTS.len() || COMPONENTS.iter().any(|name| !covered.iter().any(|met| met == name))
            {
                return Err(Refused::Components);
            }
            if text("alg").as_deref() != Some(ALGORITHM) {
                return Err(Refused::Algorithm);
            }
            let given = dictionary(signature)?.into_iter().find(|(name, _)| *name == label);
            let bytes = given.and_then(|(_, value)| value.strip_prefix(':')?.strip_suffix(':'));
            let bytes = bytes.and_then(|text| STANDARD.decode(text).ok()).and_then(|bytes| bytes.try_into().ok());
            return Ok(Claim {
                key_id: text("keyid").ok_or(Refused::Malformed)?,
                created: number("created").ok_or(Refused::Time)?,
                expires: number("expires"),
                params: written(&covered, &params),
                covered,
                signature: bytes.ok_or(Refused::Malformed)?,
            });
        }
        Err(Refused::Unsigned)
    }

    /// Checks it against what was asked, the key that it named, and the time (seconds since 1970).
    ///
    /// # Errors
    /// [`Refused::Time`] or [`Refused::Signature`].
    pub fn verify(&self, target: &Target<'_>, key: &VerifyKey, now: i64) -> Result<(), Refused> {
        if self.created.abs_diff(now) > SKEW.unsigned_abs() || self.expires.is_some_and(|expires| expires < now) {
            return Err(Refused::Time);
        }
        let base = target.base(&self.covered, &self.params);
        if key.verify_bytes(base.as_bytes(), &self.signature) { Ok(()) } else { Err(Refused::Signature) }
    }
}

/// The authority of a `Host` header as it is signed: lower case, without a port that is a scheme's own.
pub fn authority(host: &str) -> String {
    let host = host.trim().to_ascii_lowercase();
    host.strip_suffix(":443").or_else(|| host.strip_suffix(":80")).unwrap_or(&host).to_owned()
}

// ---- Structured fields (RFC 8941), as far as signatures need them ----

/// A parameter's value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Bare {
    Text(String),
    Number(i64),
}

/// The members of a dictionary, values as they stand.
fn dictionary(text: &str) -> Result<Vec<(&str, &str)>, Refused> {
    let mut members = Vec::new();
    let (mut depth, mut quoted, mut escaped, mut start) = (0u8, false, false, 0);
    for (at, c) in text.char_indices().chain([(text.len(), ',')]) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.checked_sub(1).ok_or(Refused::Malformed)?,
            ',' if !quoted && depth == 0 => {
                let (label, value) = text[start..at].trim().split_once('=').ok_or(Refused::Malformed)?;
                let sound =
                    |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.' | '*');
                if label.is_empty() || !label.chars().all(sound) || members.iter().any(|(known, _)| *known == label) {
                    return Err(Refused::Malformed);
                }
                members.push((label, value));
                start = at + 1;
            }
            _ => {}
        }
        if depth > 1 || members.len() > 8 {
            return Err(Refused::Malformed);
        }
    }
    if quoted || depth > 0 { Err(Refused::Malformed) } else { Ok(members) }
}

type Params = Vec<(String, Bare)>;

/// `("a" "b");x=1;y="z"`: component names without parameters of their own, and the list's parameters.
fn inner_list(text: &str) -> Result<(Vec<String>, Params), Refused> {
    let (inside, rest) = text.strip_prefix('(').and_then(|text| text.split_once(')')).ok_or(Refused::Malformed)?;
    let mut covered = Vec::new();
    for item in inside.split(' ').filter(|item| !item.is_empty()) {
        let name = item.strip_prefix('"').and_then(|item| item.strip_suffix('"')).ok_or(Refused::Components)?;
        covered.push(name.to_owned());
    }
    let (mut params, mut rest): (Params, &str) = (Vec::new(), rest);
    while let Some(more) = rest.strip_prefix(';') {
        let (name, value) = more.trim_start().split_once('=').ok_or(Refused::Malformed)?;
        let (value, after) = bare(value)?;
        if name.is_empty() || params.iter().any(|(known, _)| known == name) {
            return Err(Refused::Malformed);
        }
        params.push((name.to_owned(), value));
        rest = after;
    }
    if rest.is_empty() { Ok((covered, params)) } else { Err(Refused::Malformed) }
}

fn bare(text: &str) -> Result<(Bare, &str), Refused> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        let (digits, rest) = text.split_at(end);
        let short = digits.len() <= 15 && digits.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit());
        return digits.parse().ok().filter(|_| short).map(|n| (Bare::Number(n), rest)).ok_or(Refused::Malformed);
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in quoted.char_indices() {
        match c {
            _ if escaped && !matches!(c, '"' | '\\') => return Err(Refused::Malformed),
            _ if escaped => (escaped, value) = (false, value + c.encode_utf8(&mut [0; 4])),
            '\\' => escaped = true,
            '"' => return Ok((Bare::Text(value), &quoted[at + 1..])),
            ' '..='~' => value.push(c),
            _ => return Err(Refused::Malformed),
        }
    }
    Err(Refused::Malformed)
}

/// The parameters in the one form in which they are signed, in the order in which they came.
fn written(covered: &[String], params: &Params) -> String {
    let names: Vec<String> = covered.iter().map(|name| format!("\"{name}\"")).collect();
    let mut text = format!("({})", names.join(" "));
    for (name, value) in params {
        // Writing to a string cannot fail.
        let _ = match value {
            Bare::Number(n) => write!(text, ";{name}={n}"),
            Bare::Text(value) => write!(text, ";{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::note::{COSIGNATURE, LogKeys};
    use proptest::prelude::*;

    const TARGET: Target<'_> =
        Target { method: "GET", authority: "feed.example", path: "/v1/1/part/contact/000", query: None };

    fn keys() -> LogKeys {
        LogKeys::from_seed("feed.example/1", &[7; 32])
    }

    /// RFC 9421, appendix B.1.4 and B.2.6: key, message and signature as printed there.
    #[test]
    fn the_example_of_the_standard_is_signed_as_it_says() {
        let secret = STANDARD.decode("n4Ni+HpISpVObnQMW0wOhCKROaIKqKtW/2ZYb2p9KcU=").unwrap();
        let public = STANDARD.decode("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=").unwrap();
        let key = SigningKey::new("test-key-ed25519", COSIGNATURE, &secret.try_into().unwrap());
        assert!(key.public().to_string().ends_with(&STANDARD.encode([&[COSIGNATURE][..], &public].concat())));
        let params = "(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")\
                      ;created=1618884473;keyid=\"test-key-ed25519\"";
        let base = base(
            [
                ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
                ("@method", "POST"),
                ("@path", "/foo"),
                ("@authority", "example.com"),
                ("content-type", "application/json"),
                ("content-length", "18"),
            ],
            params,
        );
        let signature = key.sign_bytes(base.as_bytes());
        assert_eq!(
            STANDARD.encode(signature),
            "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
        );
        assert!(key.public().verify_bytes(base.as_bytes(), &signature));
    }

    #[test]
    fn what_is_signed_verifies_and_nothing_else_does() {
        let keys = keys();
        let headers = sign(&TARGET, &keys.peer, 1_790_000_000);
        let claim = Claim::read(&headers.input, &headers.signature).unwrap();
        assert_eq!(claim.key_id, key_id(keys.peer.public()));
        let public = keys.peer.public();
        assert_eq!(claim.verify(&TARGET, public, 1_790_000_000), Ok(()));
        for skew in [-300, 300] {
            assert_eq!(claim.verify(&TARGET, public, 1_790_000_000 + skew), Ok(()));
        }
        for skew in [-301, 301, -3_600, 3_600] {
            assert_eq!(claim.verify(&TARGET, public, 1_790_000_000 + skew), Err(Refused::Time));
        }
        let wrong = Err(Refused::Signature);
        for target in [
            Target { method: "HEAD", ..TARGET },
            Target { authority: "other.example", ..TARGET },
            Target { path: "/v1/1/part/contact/001", ..TARGET },
            Target { query: Some("a=b"), ..TARGET },
        ] {
            assert_eq!(claim.verify(&target, public, 1_790_000_000), wrong, "{target:?}");
        }
        assert_eq!(claim.verify(&TARGET, keys.log.public(), 1_790_000_000), wrong);
    }

    #[test]
    fn other_profiles_are_refused() {
        let headers = sign(&TARGET, &keys().peer, 1_790_000_000);
        let refused =
            |from: &str, to: &str| Claim::read(&headers.input.replace(from, to), &headers.signature).unwrap_err();
        assert_eq!(refused("alg=\"ed25519\"", "alg=\"hmac-sha256\""), Refused::Algorithm);
        assert_eq!(refused(";alg=\"ed25519\"", ""), Refused::Algorithm);
        assert_eq!(refused("tag=\"groups-feed/v1\"", "tag=\"other\""), Refused::Unsigned);
        assert_eq!(refused(" \"@query\"", ""), Refused::Components);
        assert_eq!(refused("\"@query\"", "\"@path\""), Refused::Components);
        assert_eq!(refused("\"@query\"", "\"@query\" \"date\""), Refused::Components);
        assert_eq!(refused("\"@query\"", "\"@query\";req"), Refused::Components);
        assert_eq!(refused("created=1790000000;", ""), Refused::Time);
        assert_eq!(refused("created=1790000000", "created=\"1790000000\""), Refused::Time);
        assert_eq!(refused("created=1790000000", "created=1;created=1790000000"), Refused::Malformed);
        assert_eq!(refused("sig1", "SIG1"), Refused::Malformed);
        assert_eq!(Claim::read("", ""), Err(Refused::Malformed));
        assert_eq!(Claim::read(&headers.input, "sig1=:AAAA:"), Err(Refused::Malformed));
        assert_eq!(Claim::read(&headers.input, &headers.signature.replace("sig1", "sig2")), Err(Refused::Malformed));
        // A second signature, by somebody else's rules, is no obstacle.
        let two = format!("other=(\"@method\");created=1, {}", headers.input);
        assert!(Claim::read(&two, &format!("other=:AAAA:, {}", headers.signature)).is_ok());
    }

    #[test]
    fn an_authority_has_no_port_that_says_nothing() {
        for (host, expected) in
            [("Feed.Example:443", "feed.example"), ("feed.example:80", "feed.example"), ("a:8330", "a:8330")]
        {
            assert_eq!(authority(host), expected);
        }
    }

    proptest! {
        /// Whatever comes, the reader ends with an answer.
        #[test]
        fn any_header_has_an_answer(input in "\\PC{0,120}", signature in "\\PC{0,60}") {
            let _ = Claim::read(&input, &signature);
            let _ = Claim::read(&format!("sig1=({input});tag=\"{TAG}\""), &signature);
        }
    }
}
