//! What a partner hub can make us do, at most. Whatever it serves, memory, disk, time and requests stay within these.
//!
//! The defaults are those of the protocol (`schema/README.md`). A hub overrides single numbers under `[limits]`; it seldom
//! has a reason to. Readers of bytes from outside exist only through functions that demand one of these numbers.

use serde::{Deserialize, Serialize};

/// The limits of one hub's pulls. Sizes are of decoded bytes unless said otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest checkpoint, in bytes. Default 16384. Stops a partner that answers the smallest question with an endless stream.
    pub checkpoint_bytes: u64,
    /// Largest hub document, in bytes. Default 32768. Stops a hub document that fills memory before its signature is checked.
    pub hub_document_bytes: u64,
    /// Largest line of a part bundle, in bytes. Default 16384. Stops one record that is as large as a whole list.
    pub line_bytes: u64,
    /// Largest entry bundle, in bytes. Default 1049088: 256 leaves of 4,096 bytes and
    /// their lengths. Stops a bundle of 256 leaves that never ends.
    pub entry_bundle_bytes: u64,
    /// Largest part bundle, in bytes. Default 4194560: 256 lines of 16 KiB. Stops a bundle of 256 lines that never ends.
    pub part_bundle_bytes: u64,
    /// Largest ratio of decoded to received bytes. Default 100. Stops a small compressed answer that unpacks to a huge one.
    pub decode_ratio: u64,
    /// New leaves taken in one run; the rest waits for the next. Default 200000. Stops a feed that grows faster than it can
    /// be read from keeping one run, and its disk, busy for ever.
    pub leaves_per_run: u64,
    /// Entries taken from one hub in all, superseded ones included. Default 10000000. Stops a hub that signs a length nobody could
    /// hold, or entries without end, from filling memory and disk run by run.
    pub leaves_per_hub: u64,
    /// Time to connect, in seconds. Default 10. Stops an address that swallows packets from holding a run.
    pub connect_timeout_s: u64,
    /// Time without a byte before an answer is given up, in seconds. Default 30. Stops an answer that stands still.
    pub idle_timeout_s: u64,
    /// Time for one whole GET, in seconds. Default 600. Stops an answer that drips, each byte just in time.
    pub get_timeout_s: u64,
    /// Slowest average rate accepted, in bytes a second, over any 30 seconds. Default 1024. Stops slow answers long before the
    /// whole time is spent.
    pub min_rate_bytes_per_s: u64,
    /// Redirects followed for one GET, all https and on the same host or a listed mirror. Default 3. Stops loops, and being
    /// sent to places that were never named.
    pub redirects: u64,
    /// GETs under way to one host at a time. Default 4. Stops us from being the attack.
    pub parallel_gets: u64,
    /// Longest Retry-After that is obeyed, in seconds. Default 86400. Stops a partner, or whoever stands in its place, from
    /// silencing us for good.
    pub retry_after_max_s: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            checkpoint_bytes: 16 << 10,
            hub_document_bytes: 32 << 10,
            line_bytes: 16 << 10,
            entry_bundle_bytes: 256 * (4096 + 2),
            part_bundle_bytes: 256 * (16_384 + 1),
            decode_ratio: 100,
            leaves_per_run: 200_000,
            leaves_per_hub: 10_000_000,
            connect_timeout_s: 10,
            idle_timeout_s: 30,
            get_timeout_s: 600,
            min_rate_bytes_per_s: 1024,
            redirects: 3,
            parallel_gets: 4,
            retry_after_max_s: 86_400,
        }
    }
}
