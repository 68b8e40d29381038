//! The questions asked of two records, and the answers each may have. The model gives every answer a weight.

/// Declares one question: an enum of its answers, with the labels that stand in the model file.
macro_rules! levels {
    ($($(#[$doc:meta])+ $name:ident = $label:literal { $($(#[$level_doc:meta])+ $level:ident = $text:literal,)+ })+) => {
        $(
            $(#[$doc])+
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
            pub enum $name { $($(#[$level_doc])+ $level,)+ }

            impl $name {
                /// All answers with their labels.
                pub const ALL: &'static [($name, &'static str)] = &[$(($name::$level, $text)),+];

                /// Its label in the model file.
                pub fn label(self) -> &'static str {
                    $name::ALL[self as usize].1
                }
            }
        )+

        /// The questions in order: label, and labels of the answers.
        pub const FIELDS: &[(&str, &[&str])] = &[$(($label, &[$($text),+])),+];
    };
}

levels! {
    /// How alike the names are, own town's words left out. Weights must not rise down to `nothing`.
    Name = "name" {
        /// The same telling words in the same spelling.
        Same = "same",
        /// The same but for letters.
        Spelling = "spelling",
        /// The same but for common words (group, support, club).
        Common = "common",
        /// One name within the other, which says one thing more.
        Inside = "inside",
        /// One name within the other, which says much more.
        Within = "within",
        /// Most of what they say.
        Most = "most",
        /// About half of it.
        Half = "half",
        /// A little of it.
        Little = "little",
        /// Nothing of it.
        Nothing = "nothing",
        /// A name without a telling word.
        Empty = "empty",
    }
    /// Words that tell sister groups apart: men, women, young, north, numbers.
    Qualifier = "qualifier" {
        /// Both have the same.
        Same = "same",
        /// Neither has any.
        Neither = "neither",
        /// One has some that the other has not.
        One = "one",
        /// Each has some that the other has not.
        Both = "both",
    }
    /// How far apart they are. Weights must not rise down to `far`.
    Where = "where" {
        /// The same full postcode.
        Postcode = "postcode",
        /// Less than 400 m.
        Near = "near",
        /// Less than 1.5 km.
        Close = "close",
        /// Less than 5 km.
        District = "district",
        /// Less than 12 km.
        Beyond = "beyond",
        /// Less than 30 km.
        Distant = "distant",
        /// Further.
        Far = "far",
        /// Not known of both.
        Unknown = "unknown",
    }
    /// The towns as written.
    Town = "town" {
        /// The same.
        Same = "same",
        /// One names no town, but the other's town stands in its name.
        Named = "named",
        /// One within the other ("Perry Vale, London" and "London").
        Part = "part",
        /// Not stated by both.
        Unknown = "unknown",
        /// Different ones.
        Other = "other",
    }
    /// Telephone, mailbox and web together: they go along with one another, so they are one piece of evidence.
    Contact = "contact" {
        /// Two of a group's own kind are the same.
        Own2 = "own-2",
        /// One is, and none differs.
        Own1 = "own-1",
        /// One is, and another differs.
        OwnMixed = "own-mixed",
        /// Two of an organisation's kind (switchboard, info@, front page) are the same, and none differs.
        Shared2 = "shared-2",
        /// One is.
        Shared1 = "shared-1",
        /// Some are the same, some differ.
        SharedMixed = "shared-mixed",
        /// No kind is stated by both.
        Unknown = "unknown",
        /// One kind is stated by both, and differs.
        Other = "other",
        /// Two kinds and more differ.
        OtherMore = "other-more",
    }
    /// What they are about.
    Topic = "topic" {
        /// The same.
        Same = "same",
        /// One is the wider term of the other.
        Wider = "wider",
        /// Both stand under one term.
        Kin = "kin",
        /// Not stated by both.
        Unknown = "unknown",
        /// Nothing in common.
        Other = "other",
    }
    /// The days of the week.
    Day = "day" {
        /// The same.
        Same = "same",
        /// Some in common.
        Some = "some",
        /// Not stated by both.
        Unknown = "unknown",
        /// None in common.
        Other = "other",
    }
    /// House, street and venue.
    Address = "address" {
        /// House number and street, or venue and street.
        Both = "both",
        /// House number and street.
        House = "house",
        /// The venue's name.
        Venue = "venue",
        /// The street only.
        Street = "street",
        /// Not comparable.
        Unknown = "unknown",
        /// They differ.
        Other = "other",
    }
    /// Whether both are rows of one list.
    Rows = "rows" {
        /// They are of different lists.
        Apart = "apart",
        /// One list, which may name a group twice.
        Together = "together",
    }
    /// Charity numbers.
    Charity = "charity" {
        /// The same.
        Same = "same",
        /// Not stated by both.
        Unknown = "unknown",
        /// Different ones.
        Other = "other",
    }
}

/// How many questions.
pub const COUNT: usize = FIELDS.len();

/// The pairs of questions whose answers are weighed together: their evidence is not independent.
pub const TOGETHER: [(usize, usize); 8] = [
    (Field::NAME, Field::WHERE),
    (Field::NAME, Field::CONTACT),
    (Field::WHERE, Field::CONTACT),
    (Field::NAME, Field::TOPIC),
    (Field::NAME, Field::ADDRESS),
    (Field::CONTACT, Field::TOPIC),
    (Field::NAME, Field::TOWN),
    (Field::NAME, Field::QUALIFIER),
];

/// Places of the questions in [`FIELDS`].
pub struct Field;

impl Field {
    /// Names.
    pub const NAME: usize = 0;
    /// Words that tell sister groups apart.
    pub const QUALIFIER: usize = 1;
    /// Distance.
    pub const WHERE: usize = 2;
    /// Towns.
    pub const TOWN: usize = 3;
    /// Contacts.
    pub const CONTACT: usize = 4;
    /// Topics.
    pub const TOPIC: usize = 5;
    /// Days.
    pub const DAY: usize = 6;
    /// Addresses.
    pub const ADDRESS: usize = 7;
    /// Lists.
    pub const ROWS: usize = 8;
    /// Charity numbers.
    pub const CHARITY: usize = 9;
}

/// The answers for two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Levels {
    /// Names.
    pub name: Name,
    /// Words that tell sister groups apart.
    pub qualifier: Qualifier,
    /// Distance.
    pub place: Where,
    /// Towns.
    pub town: Town,
    /// Contacts.
    pub contact: Contact,
    /// Topics.
    pub topic: Topic,
    /// Days of the week.
    pub day: Day,
    /// Addresses.
    pub address: Address,
    /// Lists.
    pub rows: Rows,
    /// Charity numbers.
    pub charity: Charity,
}

impl Levels {
    /// As places in [`FIELDS`]' answers.
    pub fn places(&self) -> [usize; COUNT] {
        [
            self.name as usize,
            self.qualifier as usize,
            self.place as usize,
            self.town as usize,
            self.contact as usize,
            self.topic as usize,
            self.day as usize,
            self.address as usize,
            self.rows as usize,
            self.charity as usize,
        ]
    }
}
