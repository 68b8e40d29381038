//! What happened, counted: a fault that is claimed and never reached would be no fault at all.

use std::collections::BTreeMap;

/// Everything that can befall a network, each with what it means. Over a few hundred seeds all of it must.
pub const ALL: [(&str, &str); 69] = [
    ("put", "records stated"),
    ("changed", "records changed"),
    ("withdrawn", "records taken back by their hubs"),
    ("affirmed", "records found right again"),
    ("erased", "records erased"),
    ("contacts-erased", "records' contacts erased"),
    ("linked", "links said"),
    ("level-said", "words about how far a place may be known"),
    ("level-lowered", "of these, by two people"),
    ("chosen", "choices of a field"),
    ("rolled-over", "logs closed and begun anew"),
    ("published", "publications begun"),
    ("published-whole", "publications whose last file was put in place"),
    ("crashed", "crashes"),
    ("crashed-publishing", "crashes between two files of a publication"),
    ("crashed-pulling", "pulls that a crash broke off"),
    ("clock-wrong", "clocks set wrong by up to ten years"),
    ("clock-back", "of these, clocks set back"),
    ("parted", "partitions drawn anew"),
    ("cut-off", "requests that a partition stopped"),
    ("lost", "answers lost"),
    ("stale", "answers out of a cache"),
    ("mixed-up", "answers of another file"),
    ("doubled", "answers that came a second time, in place of the next"),
    ("overtaken", "answers that came before that of an earlier request"),
    ("relayed", "files asked of another hub than their own"),
    ("relay-behind", "relays that hold less than the hub itself"),
    ("unerased", "words served by somebody who did not erase"),
    ("kept-aside", "copies of what a hub holds of others kept aside"),
    ("put-back", "old copies put back"),
    ("gossip", "looks at what another hub has seen"),
    ("lie-none", "networks without a liar"),
    ("lie-fork", "networks with a hub that signs two histories"),
    ("lie-withhold", "networks with a hub that withholds words"),
    ("lie-alter", "networks with a hub that alters bytes"),
    ("lie-forge", "networks with a hub that forges leaves"),
    ("lie-accuse", "networks with a hub that accuses others"),
    ("lie-replay", "networks with a hub that answers with old words"),
    ("lie-thief", "networks in which a log's key is stolen"),
    ("two-histories", "second histories begun or gone on"),
    ("shown-other", "answers out of a second history"),
    ("withheld", "part files without their words"),
    ("altered", "answers with a changed bit"),
    ("replayed", "answers that a liar repeats"),
    ("forged", "leaves that no key of the log signed"),
    ("accused", "forged checkpoints told of others"),
    ("theft-ended", "logs closed because of a theft"),
    ("fork-met", "forks met by a pull"),
    ("fork-told", "forks learnt from what another hub saw"),
    ("warned", "hubs that in the end hold the proof of a fork"),
    ("document-adopted", "newest hub documents adopted"),
    ("document-on-the-way", "documents adopted on the way to the newest"),
    ("leaves-voided", "times that a document made held leaves void"),
    ("history-taken-back", "other histories given up for the one that root keys chose"),
    ("tree-asked-again", "trees asked for once more to tell damage from a fork"),
    ("leaf-void", "leaves held that say nothing"),
    ("late-words-came", "words that came later than their leaves"),
    ("pull-complete", "pulls that brought all that was signed"),
    ("pull-stale", "pulls that met an older state"),
    ("pull-failed", "pulls that failed"),
    ("pull-disputed", "pulls that ended at a fork"),
    ("contact-entered", "role contacts entered"),
    ("contact-removed", "role contacts removed"),
    ("consent-given", "consents given"),
    ("consent-withdrawn", "consents withdrawn"),
    ("reader-added", "hubs let read contacts"),
    ("reader-removed", "hubs let read contacts no longer"),
    ("contacts-tended", "records put again for their contacts"),
    ("consent-ran-out", "ledgers with a consent that ran out by itself"),
];

/// And what comes of signed requests.
pub const ASKED: [(&str, &str); 7] = [
    ("contacts-came", "bundles that brought a contact"),
    ("contact-clock-corrected", "requests signed anew by the other's clock"),
    ("contact-unbelieved", "requests that were not believed"),
    ("contact-forbidden", "requests of hubs that nobody lets read"),
    ("contact-held", "contacts held in the end by a hub that may"),
    ("contact-not-held", "contacts that in the end a hub may not hold and does not"),
    ("digests-compared", "registries compared"),
];

/// How often each happened.
#[derive(Default)]
pub struct Count(BTreeMap<&'static str, u64>);

impl Count {
    /// Counts one.
    pub fn one(&mut self, what: &'static str) {
        self.many(what, 1);
    }

    /// Counts some.
    pub fn many(&mut self, what: &'static str, times: u64) {
        *self.0.entry(what).or_default() += times;
    }

    /// Adds another network's.
    pub fn add(&mut self, other: &Count) {
        other.0.iter().for_each(|(what, times)| self.many(what, *times));
    }

    /// Prints all, and gives what never happened.
    pub fn print(&self) -> Vec<&'static str> {
        let all: Vec<_> = ALL.iter().chain(&ASKED).collect();
        for (what, means) in &all {
            eprintln!("{:>12}  {means} ({what})", self.0.get(what).copied().unwrap_or(0));
        }
        for what in self.0.keys() {
            assert!(all.iter().any(|(known, _)| known == what), "{what} is counted and not described");
        }
        all.into_iter().map(|(what, _)| *what).filter(|what| !self.0.contains_key(what)).collect()
    }
}
