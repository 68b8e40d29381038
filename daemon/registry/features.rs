//! What of a record is compared, and the keys by which records find one another.

use super::normal::{self, Locality, Name, Postcode};
use super::normal_contact as contact;
use crate::record::Group;
use sha2::{Digest, Sha256};

/// The kinds of key: what two records must share before anything else of them is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// The group's own charity number.
    Charity,
    /// A page on the web.
    Page,
    /// A mailbox.
    Email,
    /// A telephone number of a place or person.
    Phone,
    /// An organisation's number (03, 08, 09).
    Switchboard,
    /// The front page of a host.
    Site,
}

impl KeyKind {
    /// Stable label; part of what is hashed.
    pub fn label(self) -> &'static str {
        match self {
            KeyKind::Charity => "charity",
            KeyKind::Page => "page",
            KeyKind::Email => "email",
            KeyKind::Phone => "phone",
            KeyKind::Switchboard => "switchboard",
            KeyKind::Site => "site",
        }
    }

    /// Whether it is a group's own, rather than often an organisation's with many groups.
    pub fn strong(self) -> bool {
        !matches!(self, KeyKind::Switchboard | KeyKind::Site)
    }
}

/// A key: its kind, and the first 8 bytes (big-endian) of SHA-256(kind label, `:`, normal form).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What was hashed.
    pub kind: KeyKind,
    /// The same on every hub.
    pub hash: u64,
}

impl Key {
    fn of(kind: KeyKind, normal: &str) -> Key {
        let digest = Sha256::new().chain_update(kind.label()).chain_update(":").chain_update(normal).finalize();
        let mut first = [0u8; 8];
        first.copy_from_slice(&digest[..8]);
        Key { kind, hash: u64::from_be_bytes(first) }
    }
}

/// The keys of a group's public part, sorted. All that a record which shares none with another needs.
pub fn keys(group: &Group) -> Vec<Key> {
    let mut found = Vec::new();
    if let Some(number) = group.charity.as_deref().and_then(contact::charity) {
        found.push(Key::of(KeyKind::Charity, &number));
    }
    if let Some(gate) = &group.contact {
        if let Some(web) = gate.url.as_deref().and_then(contact::web) {
            found.push(Key::of(if web.page { KeyKind::Page } else { KeyKind::Site }, &web.text));
        }
        if let Some(email) = gate.email.as_deref().and_then(contact::email) {
            found.push(Key::of(KeyKind::Email, &email));
        }
        if let Some(number) = gate.phone.as_deref().and_then(contact::phone) {
            let kind = if contact::is_switchboard(&number) { KeyKind::Switchboard } else { KeyKind::Phone };
            found.push(Key::of(kind, &number));
        }
    }
    found.sort_unstable();
    found
}

/// Where a group meets, ready to be compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Where {
    /// Village, town or city.
    pub locality: Locality,
    /// Postcode or outward code, from its own field or from the locality's text.
    pub postcode: Option<Postcode>,
    /// GSS code.
    pub area: Option<String>,
    /// The locality as it was written, for words.
    pub written: Option<String>,
}

/// What of a record is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Features {
    /// Its name first, then its other names.
    pub names: Vec<Name>,
    /// Where it meets.
    pub place: Where,
    /// Topics, sorted.
    pub topics: Vec<String>,
    /// Keys, sorted.
    pub keys: Vec<Key>,
}

impl Features {
    /// What of a group's public part is compared.
    pub fn of(group: &Group) -> Features {
        let mut place = Where::default();
        if let Some(stated) = &group.place {
            place.locality = stated.locality.as_deref().map(normal::locality).unwrap_or_default();
            place.postcode =
                stated.postcode.as_deref().and_then(normal::postcode).or_else(|| place.locality.postcode.clone());
            place.area = stated.area.as_deref().map(|area| area.trim().to_ascii_uppercase()).filter(|a| !a.is_empty());
            place.written = stated.locality.clone();
        }
        let mut topics = group.topics.clone();
        topics.sort_unstable();
        topics.dedup();
        let names = std::iter::once(&group.name).chain(&group.other_names).map(|name| Name::of(name)).collect();
        Features { names, place, topics, keys: keys(group) }
    }

    /// The hashes under which other records find this one.
    pub fn keys(&self) -> impl Iterator<Item = u64> + '_ {
        self.keys.iter().map(|key| key.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(json: &str) -> Group {
        Group::read(json).unwrap()
    }

    #[test]
    fn a_key_is_the_same_on_every_hub_for_ever() {
        let keys = keys(&group(
            r#"{"name":"A","charity":"1234567","contact":{"url":"https://a.uk/b","email":"I@a.uk","phone":"0115 911 1662"}}"#,
        ));
        // printf 'page:a.uk/b' | sha256sum | cut -c1-16, and so on.
        let hashes: Vec<String> = keys.iter().map(|key| format!("{} {:016x}", key.kind.label(), key.hash)).collect();
        assert_eq!(hashes, FROZEN);
    }

    const FROZEN: [&str; 4] =
        ["charity 955f9d3b248ca299", "page 90077a59c03f80bd", "email 4ab69b45f0f42935", "phone 7ed284d59561b9de"];

    #[test]
    fn junk_makes_no_key() {
        let none = group(
            r#"{"name":"A","charity":"N/A","contact":{"url":"https://facebook.com/","email":"n/a","phone":"TBC"}}"#,
        );
        assert_eq!(keys(&none), Vec::new());
    }

    #[test]
    fn a_postcode_in_the_locality_counts() {
        let features = Features::of(&group(r#"{"name":"A","place":{"locality":"London SE23, UK"}}"#));
        assert_eq!(features.place.postcode.unwrap().outward, "SE23");
        assert_eq!(features.place.locality.head, ["london"]);
    }
}
