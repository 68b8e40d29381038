//! One line of a part bundle: a fresh salt and the words, tied to the leaf by a digest.
//!
//! The permanent leaf holds only `SHA-256(line)`. With the line gone, the salt's 128 bits stand between the digest and
//! any guess (salt rules of RFC 9901, SD-JWT, section 4.2.3: random, at least 128 bits, never used again).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// Name of the class that everybody may read.
pub const PUBLIC: &str = "public";
/// Characters of the salt: 16 bytes in base64url.
const SALT: usize = 22;

/// Writes a part line (without its line feed) from a fresh 16-byte salt and JSON without line breaks.
pub fn line(salt: [u8; 16], json: &str) -> String {
    debug_assert!(!json.contains('\n'));
    format!("{} {json}", URL_SAFE_NO_PAD.encode(salt))
}

/// What a leaf commits to: base64url(SHA-256(line without its line feed)).
pub fn digest(line: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(line))
}

/// The JSON of a part line, without salt. `None` when the line has no salt of the right form.
pub fn json(line: &str) -> Option<&str> {
    let (salt, json) = line.split_at_checked(SALT)?;
    let sound = salt.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    sound.then_some(json)?.strip_prefix(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_salt_space_json() {
        let text = line([0xff; 16], r#"{"name":"A"}"#);
        assert_eq!(text, r#"_____________________w {"name":"A"}"#);
        assert_eq!(json(&text), Some(r#"{"name":"A"}"#));
        assert_eq!(json("short {}"), None);
        assert_eq!(json("é____________________w {}"), None);
        // printf '%s' LINE | openssl dgst -sha256 -binary | basenc --base64url
        assert_eq!(digest(b"abc"), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    }
}
