//! What groups are about and how they speak of themselves. Terms are those of `schema/vocabulary/`; a test looks each up.

/// What a group is about.
pub struct Subject {
    /// Terms of the vocabulary `topics`.
    pub topics: &'static [&'static str],
    /// The word that stands in names.
    pub word: &'static str,
    /// Whom it is for, as it follows "for".
    pub people: &'static str,
    /// Terms of `roles`.
    pub roles: &'static [&'static str],
    /// Terms of `communities`.
    pub communities: &'static [&'static str],
    /// Term of `genders`, or empty.
    pub gender: &'static str,
    /// Languages, when more than English is spoken.
    pub languages: &'static [&'static str],
}

const AFFECTED: &[&str] = &["person-affected"];
const BOTH: &[&str] = &["person-affected", "carer"];
const FAMILY: &[&str] = &["person-affected", "family-member", "friend"];

const fn about(
    topics: &'static [&'static str],
    word: &'static str,
    people: &'static str,
    roles: &'static [&'static str],
) -> Subject {
    Subject { topics, word, people, roles, communities: &[], gender: "", languages: &[] }
}

const fn of(
    subject: Subject,
    communities: &'static [&'static str],
    gender: &'static str,
    languages: &'static [&'static str],
) -> Subject {
    Subject { communities, gender, languages, ..subject }
}

/// All subjects.
pub const SUBJECTS: [Subject; 76] = [
    about(&["parkinsons"], "Parkinson's", "people living with Parkinson's and those close to them", BOTH),
    about(&["multiple-sclerosis"], "MS", "people with multiple sclerosis", AFFECTED),
    about(&["stroke"], "Stroke", "people who have had a stroke, and their families", FAMILY),
    about(&["aphasia"], "Aphasia", "people who find speaking hard after a stroke or injury", BOTH),
    about(&["epilepsy"], "Epilepsy", "people with epilepsy", AFFECTED),
    about(&["brain-injury"], "Brain Injury", "people with a brain injury and their families", FAMILY),
    about(
        &["dementia", "dementia-carers"],
        "Dementia Carers'",
        "people who look after somebody with dementia",
        &["carer"],
    ),
    about(&["alzheimers"], "Memory", "people with memory loss and the people they live with", BOTH),
    about(&["me-cfs"], "ME", "people with ME", AFFECTED),
    about(&["long-covid"], "Long Covid", "people who are still ill after Covid", AFFECTED),
    about(&["fibromyalgia"], "Fibromyalgia", "people with fibromyalgia", AFFECTED),
    about(&["chronic-pain"], "Living with Pain", "people who live with pain that does not go away", AFFECTED),
    about(&["arthritis"], "Arthritis", "people with arthritis", AFFECTED),
    about(&["ankylosing-spondylitis"], "AS", "people with ankylosing spondylitis", AFFECTED),
    about(&["osteoporosis"], "Osteoporosis", "people with osteoporosis", AFFECTED),
    about(&["lupus"], "Lupus", "people with lupus", AFFECTED),
    about(&["cancer"], "Cancer", "people who have or have had cancer", AFFECTED),
    of(
        about(&["breast-cancer"], "Breast Cancer", "women who have or have had breast cancer", AFFECTED),
        &[],
        "women-only",
        &[],
    ),
    of(
        about(&["prostate-cancer"], "Prostate Cancer", "men who have or have had prostate cancer", AFFECTED),
        &[],
        "men-only",
        &[],
    ),
    about(&["head-and-neck-cancer"], "Head and Neck Cancer", "people who have had head or neck cancer", FAMILY),
    about(&["heart-and-circulation"], "Heart", "people with a heart condition", AFFECTED),
    of(
        about(&["sickle-cell"], "Sickle Cell", "people with sickle cell and their families", FAMILY),
        &["black-people"],
        "",
        &[],
    ),
    about(&["lung-conditions"], "Breathe Easier", "people with a lung condition", BOTH),
    about(&["sleep-apnoea"], "Sleep Apnoea", "people with sleep apnoea", AFFECTED),
    about(&["diabetes"], "Diabetes", "people with diabetes", AFFECTED),
    about(&["crohns-and-colitis"], "Crohn's and Colitis", "people with Crohn's or colitis", AFFECTED),
    about(
        &["coeliac-disease"],
        "Coeliac",
        "people who cannot eat gluten, and parents of children who cannot",
        &["person-affected", "parent"],
    ),
    about(&["stoma"], "Stoma", "people who have a stoma or may need one", AFFECTED),
    about(&["kidney-disease"], "Kidney", "people with kidney disease", BOTH),
    about(
        &["skin-conditions"],
        "Psoriasis and Eczema",
        "people with psoriasis, eczema or another skin condition",
        AFFECTED,
    ),
    about(&["amputation"], "Limb Loss", "people who have lost a limb", AFFECTED),
    about(&["vertigo"], "Balance and Vertigo", "people with vertigo or another balance problem", AFFECTED),
    about(&["hearing-loss"], "Hard of Hearing", "people who are losing their hearing", AFFECTED),
    about(&["tinnitus"], "Tinnitus", "people with tinnitus", AFFECTED),
    about(&["sight-loss"], "Sight Loss", "people who are losing their sight", AFFECTED),
    of(
        about(&["social-isolation"], "Deaf", "Deaf people who use British Sign Language", AFFECTED),
        &["deaf-bsl-users"],
        "",
        &["bfi"],
    ),
    of(about(&["menopause"], "Menopause", "women going through the menopause", AFFECTED), &[], "women-only", &[]),
    of(about(&["endometriosis"], "Endometriosis", "women with endometriosis", AFFECTED), &[], "women-only", &[]),
    about(&["mental-ill-health"], "Mental Health", "people who want to talk about their mental health", AFFECTED),
    about(&["depression"], "Depression", "people with depression", AFFECTED),
    about(&["anxiety"], "Anxiety", "people who live with anxiety or panic", AFFECTED),
    about(&["bipolar"], "Bipolar", "people with bipolar disorder and those close to them", FAMILY),
    about(&["ocd"], "OCD", "people with obsessive-compulsive disorder", AFFECTED),
    about(&["hearing-voices"], "Hearing Voices", "people who hear voices", AFFECTED),
    about(&["eating-disorders"], "Eating Disorders", "people with an eating disorder", AFFECTED),
    of(
        about(&["postnatal-depression"], "Postnatal Depression", "mothers with postnatal depression", AFFECTED),
        &[],
        "women-only",
        &[],
    ),
    of(
        about(&["mens-mental-health"], "Men's Talking", "men who want to talk about how they are", AFFECTED),
        &[],
        "men-only",
        &[],
    ),
    about(
        &["carer-mental-health"],
        "Mental Health Carers'",
        "people who care for somebody with a mental illness",
        &["carer", "family-member"],
    ),
    of(
        about(
            &["mental-ill-health"],
            "South Asian Women's",
            "South Asian women who want company and somebody to talk to",
            AFFECTED,
        ),
        &["south-asian"],
        "women-only",
        &["en", "pa", "ur"],
    ),
    of(
        about(&["social-isolation"], "Chinese Elders'", "older Chinese people", AFFECTED),
        &["chinese", "older-people"],
        "",
        &["yue", "cmn"],
    ),
    of(
        about(&["social-isolation", "sexuality-and-gender"], "Gay Men's", "gay men of any age", AFFECTED),
        &["gay-men"],
        "men-only",
        &[],
    ),
    of(
        about(&["sexuality-and-gender"], "Trans", "trans and non-binary people", AFFECTED),
        &["trans-people"],
        "trans-and-non-binary",
        &[],
    ),
    of(
        about(&["social-isolation"], "Caribbean Elders'", "older people with roots in the Caribbean", AFFECTED),
        &["black-caribbean", "older-people"],
        "",
        &[],
    ),
    of(
        about(
            &["newcomers-and-migration"],
            "Polish Families'",
            "Polish families who are new here",
            &["person-affected", "parent"],
        ),
        &["polish-and-eastern-european"],
        "",
        &["pl", "en"],
    ),
    of(
        about(&["newcomers-and-migration"], "New Arrivals'", "people who came here as refugees", AFFECTED),
        &["refugees-and-asylum-seekers"],
        "",
        &["en", "ar", "fa"],
    ),
    of(
        about(&["armed-forces-life"], "Veterans'", "people who have served in the armed forces", AFFECTED),
        &["veterans"],
        "",
        &[],
    ),
    about(&["alcohol"], "Sober Evenings", "people who have stopped drinking or want to", AFFECTED),
    about(&["gambling"], "Gambling", "people who want to stop gambling", AFFECTED),
    about(
        &["affected-by-addiction"],
        "Families of Drinkers",
        "people whose relative drinks or uses drugs",
        &["family-member", "partner"],
    ),
    about(&["autism"], "Autistic Adults'", "autistic adults, diagnosed or not", AFFECTED),
    about(
        &["autism", "learning-disability", "parent-carers"],
        "SEND Parents'",
        "parents of children with autism or a learning disability",
        &["parent"],
    ),
    about(&["adhd"], "ADHD", "adults with ADHD", AFFECTED),
    about(&["specific-learning-difficulties"], "Dyslexia", "dyslexic adults", AFFECTED),
    about(
        &["down-syndrome"],
        "Down Syndrome Families'",
        "families of people with Down syndrome",
        &["parent", "sibling"],
    ),
    about(&["bereavement"], "Bereavement", "people who have lost somebody", &["bereaved"]),
    about(&["widowed"], "Widowed", "people whose husband, wife or partner has died", &["bereaved"]),
    about(&["baby-loss"], "Baby Loss", "parents whose baby has died", &["bereaved", "parent"]),
    about(&["bereavement-by-suicide"], "Bereaved by Suicide", "people who lost somebody to suicide", &["bereaved"]),
    about(&["caring"], "Carers'", "people who look after somebody without being paid", &["carer"]),
    about(
        &["young-carers", "young-peoples-lives"],
        "Young Carers'",
        "young people who look after a parent, brother or sister",
        &["young-carer"],
    ),
    about(
        &["kinship-care", "grandparenting"],
        "Kinship Carers'",
        "grandparents and relatives who bring up children",
        &["grandparent", "family-member"],
    ),
    about(&["adoption"], "Adoptive Families'", "families who have adopted", &["parent"]),
    about(&["lone-parents"], "Lone Parents'", "parents who bring up children alone", &["parent"]),
    of(
        about(
            &["fathers", "separation-and-divorce"],
            "Separated Fathers'",
            "fathers who live apart from their children",
            &["parent"],
        ),
        &[],
        "men-only",
        &[],
    ),
    about(&["twins-and-more"], "Twins and More", "parents of twins, triplets and more", &["parent"]),
    about(&["work-and-unemployment"], "Out of Work", "people who are looking for work", AFFECTED),
];

/// How groups are named; `{p}` is the place, `{w}` the subject's word.
pub const NAMES: [&str; 12] = [
    "{p} {w} Support Group",
    "{p} {w} Self-Help Group",
    "{p} {w} Group",
    "{p} {w} Circle",
    "{p} and District {w} Group",
    "{w} Meeting Point {p}",
    "{w} Group, {p}",
    "{p} {w} Mutual Support",
    "{w} Drop-In {p}",
    "{p} {w} Meet-Up",
    "{p} {w} Network",
    "{w} Get-Together {p}",
];

/// Names some groups give themselves besides.
pub const OWN_NAMES: [&str; 16] = [
    "Stepping Stones",
    "The Lantern",
    "Open Door",
    "Fresh Page",
    "Common Ground",
    "Second Wind",
    "Even Keel",
    "New Leaf",
    "Firm Ground",
    "Quiet Corner",
    "The Willow Room",
    "Near Neighbours",
    "Kindred",
    "Good Company",
    "The Round Table",
    "Bright Mornings",
];

/// How a group begins to speak of itself; `{o}` is whom it is for.
pub const OPENINGS: [&str; 8] = [
    "A group for {o}.",
    "We are {o}, and we meet to help one another.",
    "Run by its own members, for {o}.",
    "A friendly place for {o}.",
    "Started around a kitchen table for {o}.",
    "For {o}: come once or come every time.",
    "Members share what has helped them. For {o}.",
    "An independent group for {o}.",
];

/// What it goes on to say.
pub const SENTENCES: [&str; 28] = [
    "We sit in a circle, and nobody has to speak.",
    "There is tea and coffee, and time to talk before and after.",
    "What is said in the room stays in the room.",
    "Everybody here has been through it, so you need not explain yourself.",
    "We swap what has worked for us, from forms and benefits to a good night's sleep.",
    "Now and then somebody from outside is asked to speak, and members choose the subject.",
    "All decisions are taken together at a meeting every spring.",
    "In summer we go for a walk instead.",
    "Members ring one another between meetings.",
    "We keep a small shelf of books to borrow.",
    "You may bring a friend or relative the first time.",
    "There is no waiting list and nobody will ask for a letter from a doctor.",
    "Two members open the room fifteen minutes early to meet new people at the door.",
    "We take turns to lead the evening.",
    "Half the time is for news and half for whatever people bring.",
    "Some of us have come for ten years and some since last month.",
    "We laugh a good deal, and it is fine to cry.",
    "Twice a year we go on an outing together.",
    "We are not therapists and give no advice, only our own experience.",
    "The group pays its way with what members put in the tin.",
    "We help each other write letters and go along to appointments.",
    "New people are met by a member who remembers being new.",
    "We also keep in touch by a message group for those who want it.",
    "Members decide what is discussed, and anybody may leave early.",
    "People of every faith and none are welcome.",
    "Once a month there is a quiet craft table for those who would rather have busy hands.",
    "Anybody who cannot leave the house gets a call that evening.",
    "We have written a small leaflet of things we wish we had been told.",
];

/// The sentence by which a record says what it is, wherever it is found.
pub const MARK: &str = "Invented for demonstration.";

/// Venues with their kind of `venue-kinds`; `{p}` is the place.
pub const VENUES: [(&str, &str); 16] = [
    ("{p} Library", "library"),
    ("{p} Community Centre", "community-room"),
    ("St Mark's Church Hall", "place-of-worship"),
    ("Methodist Church Rooms", "place-of-worship"),
    ("Friends' Meeting House", "place-of-worship"),
    ("The Old School Rooms", "community-room"),
    ("{p} Health Centre, meeting room", "nhs-premises"),
    ("Orchard Cafe", "cafe"),
    ("The Corner Cafe", "cafe"),
    ("{p} Leisure Centre", "leisure-centre"),
    ("{p} Town Hall, committee room", "community-room"),
    ("Riverside Arts Centre", "arts-venue"),
    ("The Bowling Pavilion", "leisure-centre"),
    ("Northgate Primary School", "school-or-college"),
    ("Hillside Hospice, day room", "hospice"),
    ("The Allotment Hut", "outdoors"),
];

/// Streets.
pub const STREETS: [&str; 20] = [
    "Mill Lane",
    "Church Street",
    "Station Road",
    "High Street",
    "Chapel Lane",
    "Market Place",
    "Park Road",
    "Bridge Street",
    "Albert Road",
    "Victoria Street",
    "School Lane",
    "Queen's Road",
    "Nelson Street",
    "Manor Road",
    "Forest Road",
    "Castle Street",
    "The Green",
    "Priory Road",
    "Wharf Lane",
    "Cross Street",
];

/// What it costs.
pub const COSTS: [&str; 8] = [
    "Free",
    "Free; a tin for refreshments",
    "£1 towards refreshments",
    "£2 towards the room",
    "£2.50, or what you can afford",
    "£3 a meeting, the first one free",
    "£10 a year",
    "By donation",
];

/// Access for disabled people.
pub const ACCESS: [&str; 8] = [
    "Step-free entrance and accessible toilet",
    "Ground floor; Blue Badge parking outside",
    "Hearing loop in the main room",
    "Lift to the first floor, accessible toilet on the ground floor",
    "One step at the door; a ramp can be put out",
    "Step-free; quiet room available",
    "On bus routes; level entrance from the car park",
    "Large-print notes; guide dogs welcome",
];

/// How to join.
pub const JOINING: [&str; 8] = [
    "Just come along",
    "Please ring first for a chat",
    "Send an e-mail and somebody will meet you at the door",
    "Come ten minutes early the first time",
    "Write or ring; you do not need a referral",
    "Open to all; no booking",
    "Leave a message and a member will call back",
    "Come as a guest twice before you decide",
];

/// Larger bodies, invented; `{w}` is the subject's word.
pub const BODIES: [&str; 5] = [
    "{w} Network of the Isles",
    "National Federation of {w} Groups",
    "Midlands and East {w} Alliance",
    "Commonweal Trust",
    "Harbour Foundation",
];
