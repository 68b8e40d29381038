//! The JSON that a group's digest is made of: the same facts as [`super::Merged`], records named by their place in
//! `members`. Ids would be most of the text otherwise, and hashing it most of the work.

use super::{Merged, Other, Resolved};
use crate::record::RecordRef;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

pub(super) struct Group<'a>(pub &'a Merged);

struct Members<'a>(&'a Merged);
struct Values<'a>(&'a Merged);
struct One<'a>(&'a [RecordRef], &'a Resolved);
struct Others<'a>(&'a [RecordRef], &'a [Other]);
struct Not<'a>(&'a [RecordRef], &'a Other);
struct From<'a>(&'a [RecordRef], &'a [RecordRef]);
struct Said<'a>(&'a [RecordRef], &'a Resolved);

impl Serialize for Group<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let group = self.0;
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("members", &Members(group))?;
        map.serialize_entry("safety", &group.safety)?;
        map.serialize_entry("values", &Values(group))?;
        if let Some(assured) = &group.assured {
            map.serialize_entry("assured", assured)?;
        }
        if let Some(licence) = &group.licence {
            map.serialize_entry("licence", licence)?;
        }
        if !group.sightings.is_empty() {
            map.serialize_entry("sightings", &group.sightings)?;
        }
        map.end()
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(None)?;
        for (member, rev) in self.0.members.iter().zip(&self.0.revs) {
            list.serialize_element(&(member.hub, member.rec, rev))?;
        }
        list.end()
    }
}

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.values.iter().map(|(unit, resolved)| (unit.name(), One(&self.0.members, resolved))))
    }
}

impl Serialize for One<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let One(members, resolved) = self;
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("value", &resolved.value)?;
        // A group of one record says so once, in `members`.
        if members.len() > 1 {
            map.serialize_entry("from", &From(members, &resolved.from))?;
            map.serialize_entry("rule", resolved.rule.code())?;
        }
        if !resolved.others.is_empty() {
            map.serialize_entry("others", &Others(members, &resolved.others))?;
        }
        if !resolved.said.is_empty() {
            map.serialize_entry("said", &Said(members, resolved))?;
        }
        if let Some(open) = resolved.open {
            map.serialize_entry("open", open.code())?;
        }
        if let Some(chosen) = &resolved.chosen {
            map.serialize_entry("chosen", chosen)?;
        }
        map.end()
    }
}

impl Serialize for Others<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.1.iter().map(|other| Not(self.0, other)))
    }
}

impl Serialize for Not<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Not(members, other) = self;
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("value", &other.value)?;
        map.serialize_entry("from", &From(members, &other.from))?;
        map.serialize_entry("contradicts", &other.contradicts)?;
        if let Some(assured) = &other.assured {
            map.serialize_entry("assured", assured)?;
        }
        map.end()
    }
}

impl Serialize for From<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.1.iter().map(|record| self.0.binary_search(record).unwrap_or(usize::MAX >> 16)))
    }
}

impl Serialize for Said<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.1.said.iter().map(|(word, who)| (word, From(self.0, who))))
    }
}
