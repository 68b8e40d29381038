//! Lists that are read from an address: what a website publishes already becomes a list like any other, and whatever goes
//! wrong there changes nothing here.

use crate::support::TestHub;
use crate::support::feed::repository;
use mutuald::exchange::feed::Kind;
use mutuald::node::groups;
use mutuald::node::init;
use mutuald::node::lifecycle::{Lifecycle, Signal};
use mutuald::node::notify::Notifier;
use mutuald::node::run::{self, Options};
use mutuald::node::source::{self, Outcome, Run};
use mutuald::peer::schedule::Schedule;
use mutuald::record::{Group, List};
use mutuald::store::imports as stored;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

fn fixture(name: &str) -> String {
    std::fs::read_to_string(repository("tests/data/feeds").join(name)).unwrap()
}

/// A website that serves what it is given; a path without anything is 404.
#[derive(Clone, Default)]
struct Site(Arc<Mutex<BTreeMap<String, (u16, String)>>>, Arc<Mutex<Vec<String>>>);

impl Site {
    fn put(&self, path: &str, body: impl Into<String>) {
        self.0.lock().unwrap().insert(path.to_owned(), (200, body.into()));
    }

    fn fail(&self, path: &str, status: u16, body: &str) {
        self.0.lock().unwrap().insert(path.to_owned(), (status, body.to_owned()));
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.1.lock().unwrap())
    }

    async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let site = self.clone();
        tokio::spawn(async move {
            let router = axum::Router::new().fallback(move |uri: axum::http::Uri| {
                let site = site.clone();
                async move {
                    let path = uri.path_and_query().map_or(String::new(), |it| it.to_string());
                    site.1.lock().unwrap().push(path.clone());
                    let (status, body) = site.0.lock().unwrap().get(&path).cloned().unwrap_or((404, String::new()));
                    let kind = if body.starts_with('<') { "text/html" } else { "application/json" };
                    (axum::http::StatusCode::from_u16(status).unwrap(), [("content-type", kind)], body)
                }
            });
            axum::serve(listener, router).await.unwrap();
        });
        url
    }
}

/// A hub with a list that is read from an address.
async fn listed(hub: &TestHub, url: &str, kind: Kind) -> Uuid {
    let id = Uuid::from_u128(77);
    let list = List { title: "Website".into(), kind: "website".into(), ..List::default() };
    hub.hub.say(&[init::list(id, 1, &list).unwrap()]).await.unwrap();
    let source = source::new(id, url, kind, &Schedule::parse("@daily").unwrap());
    let mut db = hub.hub.store.write().await.unwrap();
    stored::save_source(&mut db, &source).await.unwrap();
    db.commit().await.unwrap();
    id
}

async fn scheduled(hub: &TestHub, list: Uuid) -> Outcome {
    source::read(&hub.hub, list, Run::Scheduled).await.unwrap()
}

async fn own(hub: &TestHub) -> Vec<Group> {
    let mut db = hub.hub.store.read().await.unwrap();
    groups::own_records(&hub.hub, &mut db).await.unwrap().into_iter().map(|one| one.group).collect()
}

async fn row(hub: &TestHub) -> stored::SourceRow {
    let mut db = hub.hub.store.read().await.unwrap();
    stored::sources(&mut db).await.unwrap().remove(0)
}

fn named<'g>(groups: &'g [Group], name: &str) -> Vec<&'g Group> {
    groups.iter().filter(|group| group.name == name).collect()
}

/// No name or private number of a person in what was taken.
fn nobody(groups: &[Group]) {
    let all = format!("{groups:?}");
    for person in ["Sam", "Jo Jones", "Al Ames", "07700"] {
        assert!(!all.contains(person), "{person}");
    }
}

#[tokio::test]
async fn open_referral_uk_1_is_read_page_by_page() {
    let (hub, site) = (TestHub::new("Essex", 1).await, Site::default());
    let url = site.serve().await;
    site.put("/o/services?page=1&per_page=100", fixture("open-referral-1-page-1.json"));
    site.put("/o/services?per_page=100&page=2", fixture("open-referral-1-page-2.json"));
    let list = listed(&hub, &format!("{url}/o"), Kind::OpenReferral).await;
    assert_eq!(source::due(&hub.hub).await.unwrap(), [list], "a new source is due at once");
    let read = scheduled(&hub, list).await;
    assert_eq!((read.state.as_str(), read.reason.as_str()), ("changed", "4 new"), "{read:?}");
    let groups = own(&hub).await;
    nobody(&groups);
    let carers = named(&groups, "Harlow Carers Circle")[0];
    assert_eq!(carers.description.as_deref(), Some("We meet & share what helps."));
    assert_eq!((carers.topics.as_slice(), carers.list), (["caring".to_owned()].as_slice(), Some(list)));
    let place = carers.place.as_ref().unwrap();
    assert_eq!((place.postcode.as_deref(), place.locality.as_deref()), (Some("CM18 7BL"), Some("Harlow")));
    let meeting = &carers.meetings[0];
    assert_eq!(meeting.text.as_deref(), Some("Second Tuesday of the month"));
    assert_eq!((meeting.rrule.as_deref(), meeting.start.as_deref()), (Some("FREQ=MONTHLY;BYDAY=2TU"), Some("19:30")));
    assert_eq!(carers.ages.as_ref().map(|ages| (ages.min, ages.max)), Some((Some(18), None)));
    let stoma = named(&groups, "Stoma Support");
    assert_eq!(stoma.len(), 2, "a service at two places is two rows");
    assert!(stoma.iter().all(|group| group.contact.is_none()), "`ring Jo` is no number");
    assert_eq!(stoma[0].status.as_ref().unwrap().state, "dormant");
    assert_eq!(
        named(&groups, "Bereaved Parents")[0].meetings[0].rrule.as_deref(),
        Some("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO")
    );

    // Pain 11: the same feed again is no change, though much of it was put into one writing on the way.
    let again = scheduled(&hub, list).await;
    assert_eq!((again.state.as_str(), again.plan.unwrap().unchanged.len()), ("current", 4));
    assert!(source::due(&hub.hub).await.unwrap().is_empty());
    assert!(row(&hub).await.next_due > hub.hub.clock.now().as_second());
    hub.check_hub().await;
}

#[tokio::test]
async fn open_referral_uk_3_summaries_are_completed_one_by_one() {
    let (hub, site) = (TestHub::new("Essex", 2).await, Site::default());
    let url = site.serve().await;
    let (one, two) = (fixture("open-referral-3-service-1.json"), fixture("open-referral-3-service-2.json"));
    let id = |text: &str| serde_json::from_str::<Value>(text).unwrap()["id"].as_str().unwrap().to_owned();
    site.put("/services?page=1&per_page=100", fixture("open-referral-3-services.json"));
    site.put(&format!("/services/{}", id(&one)), one.clone());
    site.fail(&format!("/services/{}", id(&two)), 503, "");
    let list = listed(&hub, &url, Kind::OpenReferral).await;
    let read = scheduled(&hub, list).await;
    assert_eq!(read.state, "http-status", "half a list is none");
    assert!(own(&hub).await.is_empty());
    site.put(&format!("/services/{}", id(&two)), two);
    let read = scheduled(&hub, list).await;
    assert_eq!(read.reason, "2 new", "{read:?}");
    let groups = own(&hub).await;
    nobody(&groups);
    // Pain 13: meetings that are not weekly fit.
    let colchester = named(&groups, "Colchester Hearing Voices")[0];
    assert_eq!(colchester.meetings[0].rrule.as_deref(), Some("FREQ=MONTHLY;BYDAY=1MO,3MO"));
    assert_eq!(colchester.cost.as_deref(), Some("Tea £1.50"));
    assert_eq!(colchester.contact.as_ref().unwrap().phone.as_deref(), Some("01632 960012"));
    assert_eq!(colchester.topics, ["hearing-voices"]);
    hub.check_hub().await;
}

#[tokio::test]
async fn rpde_is_followed_to_its_end_and_then_from_there() {
    let (hub, site) = (TestHub::new("Essex", 3).await, Site::default());
    let url = site.serve().await;
    site.put("/rpde", fixture("rpde-page-1.json"));
    site.put("/rpde?afterChangeNumber=11", fixture("rpde-page-2.json"));
    site.put("/rpde?afterChangeNumber=13", fixture("rpde-end.json"));
    let list = listed(&hub, &format!("{url}/rpde"), Kind::Rpde).await;
    let read = scheduled(&hub, list).await;
    assert_eq!(read.reason, "2 new", "{read:?}");
    let groups = own(&hub).await;
    nobody(&groups);
    assert_eq!(named(&groups, "Gentle Movers and Shakers").len(), 1, "the later item stands");
    assert_eq!(groups[0].meetings[0].rrule.as_deref(), Some("FREQ=WEEKLY;BYDAY=TU"));
    site.asked();
    assert_eq!(scheduled(&hub, list).await.state, "current");
    assert_eq!(site.asked(), ["/rpde?afterChangeNumber=13"], "only what is new is asked for");

    // Pain 8: a deletion alone is seen; and asked about, because a listing that ends is no group that ends.
    let gone = json!({"items": [{"state": "deleted", "kind": "SessionSeries", "id": "s1", "modified": 20}],
                      "next": "/rpde?afterChangeNumber=20", "license": "x"});
    site.put("/rpde?afterChangeNumber=13", gone.to_string());
    site.put("/rpde?afterChangeNumber=20", json!({"items": [], "next": "/rpde?afterChangeNumber=20"}).to_string());
    let held = scheduled(&hub, list).await;
    assert_eq!(held.state, "held", "half the list at once");
    let seen = source::read(&hub.hub, list, Run::Look).await.unwrap();
    assert_eq!(seen.plan.as_ref().unwrap().asked[0].name, "Walk and Talk");
    let run = Run::Commit { plan: Some(&seen.digest), even_so: true };
    assert_eq!(source::read(&hub.hub, list, run).await.unwrap().state, "current");
    assert_eq!(own(&hub).await.len(), 2, "nobody has said what becomes of it");
    let mut db = hub.hub.store.read().await.unwrap();
    assert_eq!(stored::asked(&mut db, list).await.unwrap().len(), 1);
    drop(db);
    // A page that points elsewhere is not followed.
    let away = json!({"items": [], "next": "http://127.0.0.2:1/rpde"}).to_string();
    site.put("/rpde?afterChangeNumber=20", away);
    assert_eq!(scheduled(&hub, list).await.state, "feed-next-page");
    hub.check_hub().await;
}

#[tokio::test]
async fn meeting_guide_keeps_two_days_apart_and_sends_nobody_to_an_empty_room() {
    let (hub, site) = (TestHub::new("Essex", 4).await, Site::default());
    let url = site.serve().await;
    site.put("/m.json", fixture("meeting-guide.json"));
    let list = listed(&hub, &format!("{url}/m.json"), Kind::MeetingGuide).await;
    let read = scheduled(&hub, list).await;
    assert_eq!(read.reason, "3 new", "{read:?}");
    let groups = own(&hub).await;
    nobody(&groups);
    // Pain 3 (BMLT #1519): meetings of one name on two days are two.
    let circle = named(&groups, "Open Circle");
    assert_eq!(circle.len(), 2);
    assert_eq!(circle[0].meetings[0].text.as_deref(), Some("Every Monday"));
    assert_eq!((circle[0].gender.as_deref(), circle[1].gender.as_deref()), (None, Some("women-only")));
    let owls = named(&groups, "Night Owls")[0];
    assert_eq!((owls.modes.as_slice(), owls.place.is_none()), (["online-meeting".to_owned()].as_slice(), true));
    assert_eq!(owls.meetings[0].rrule.as_deref(), Some("FREQ=WEEKLY;BYDAY=FR,SA"));

    // Pain 9: somebody renames the pages, and every id with them.
    site.put("/m.json", fixture("meeting-guide.json").replace("\"slug\": \"", "\"slug\": \"new-"));
    let renamed = scheduled(&hub, list).await;
    assert_eq!(renamed.reason, "3 changed", "{renamed:?}");
    assert_eq!(own(&hub).await.len(), 3);
    assert_eq!(renamed.plan.unwrap().rekeyed.len(), 3);
    hub.check_hub().await;
}

fn meetings(n: usize) -> String {
    let one = |n: usize| json!({"name": format!("Group {n}"), "slug": format!("g{n}"), "city": format!("Town {n}"), "day": 1});
    Value::Array((0..n).map(one).collect()).to_string()
}

/// Pain 1: a partial or garbled feed deletes nothing, and what shrinks by a tenth waits for a person.
#[tokio::test]
async fn a_source_that_shrinks_by_a_tenth_is_held_until_a_person_has_looked() {
    let (hub, site) = (TestHub::new("Essex", 5).await, Site::default());
    let url = site.serve().await;
    site.put("/m", meetings(20));
    let list = listed(&hub, &format!("{url}/m"), Kind::MeetingGuide).await;
    assert_eq!(scheduled(&hub, list).await.reason, "20 new");
    site.put("/m", meetings(19));
    assert_eq!(scheduled(&hub, list).await.state, "current", "one in twenty is asked about");
    site.put("/m", meetings(18));
    let held = scheduled(&hub, list).await;
    assert_eq!(held.state, "held");
    assert!(held.reason.contains("2 of the list's 20 records"), "{}", held.reason);
    assert_eq!(own(&hub).await.len(), 20);
    assert_eq!((row(&hub).await.state.as_str(), row(&hub).await.failures), ("held", 0));
    // Columns that changed places would rename everybody.
    let garbled: Value = serde_json::from_str(&meetings(20)).unwrap();
    let garbled: Vec<Value> = garbled
        .as_array()
        .unwrap()
        .iter()
        .map(|m| json!({"name": m["city"], "slug": m["slug"], "city": m["name"], "day": 1}))
        .collect();
    site.put("/m", Value::Array(garbled).to_string());
    let held = scheduled(&hub, list).await;
    assert!(held.state == "held" && held.reason.contains("changed places"), "{held:?}");
    hub.check_hub().await;
}

/// Pain 6: one bad source stalls nothing, and says what is wrong with it.
#[tokio::test]
async fn a_bad_source_says_why_and_changes_nothing() {
    let (hub, site) = (TestHub::new("Essex", 6).await, Site::default());
    let url = site.serve().await;
    site.put("/m", meetings(3));
    let list = listed(&hub, &format!("{url}/m"), Kind::MeetingGuide).await;
    assert_eq!(scheduled(&hub, list).await.reason, "3 new");
    let digest = hub.hub.digest().await.unwrap();
    for (status, body, state) in [
        (403, "<html>Are you human?</html>", "http-status"),
        (200, "<html>Are you human?</html>", "web-page"),
        (200, "", "feed-not-json"),
        (200, "[]", "source-empty"),
        (200, "[{\"name\": \"Gro", "feed-not-json"),
        (200, "{\"error\": \"down\"}", "feed-other-kind"),
        (404, "", "http-status"),
    ] {
        site.fail("/m", status, body);
        let read = scheduled(&hub, list).await;
        assert_eq!(read.state, state, "{body}");
        assert!(!read.reason.is_empty());
    }
    let after = row(&hub).await;
    assert_eq!((after.failures, hub.hub.digest().await.unwrap()), (7, digest));
    let wait = after.next_due - hub.hub.clock.now().as_second();
    assert!((3_600..86_400).contains(&wait), "it is left alone for longer each time: {wait}");
    site.put("/m", meetings(3));
    assert_eq!((scheduled(&hub, list).await.state.as_str(), row(&hub).await.failures), ("current", 0));
    // A list that says it has more than it gave is not whole.
    let list_of = |total: u64| json!({"total_items": total, "total_pages": 1, "page_number": 1, "contents": [{"id": "1", "name": "A", "contacts": []}]});
    site.put("/o/services?page=1&per_page=100", list_of(2).to_string());
    let mut source = row(&hub).await;
    (source.url, source.format) = (format!("{url}/o"), Kind::OpenReferral.name().to_owned());
    let mut db = hub.hub.store.write().await.unwrap();
    stored::save_source(&mut db, &source).await.unwrap();
    db.commit().await.unwrap();
    assert_eq!(scheduled(&hub, list).await.state, "source-incomplete");
}

/// Pain 10: what may need protecting is not signed while nobody looks.
#[tokio::test]
async fn only_open_rows_are_signed_from_a_source() {
    let (hub, site) = (TestHub::new("Essex", 7).await, Site::default());
    let url = site.serve().await;
    let feed = json!([
        {"name": "Domestic abuse survivors", "slug": "a", "location": "The hidden house", "address": "9 Quiet Lane", "day": 1},
        {"name": "Walkers", "slug": "b", "city": "Harlow", "day": 1}
    ]);
    site.put("/m", feed.to_string());
    let list = listed(&hub, &format!("{url}/m"), Kind::MeetingGuide).await;
    let read = scheduled(&hub, list).await;
    assert_eq!(read.reason, "1 new, 1 held back", "{read:?}");
    assert!(!serde_json::to_string(&read).unwrap().contains("Quiet Lane"), "nor is it in what is printed");
    assert_eq!(own(&hub).await.len(), 1);
    // A person who looks may say that everybody may know it.
    let seen = source::read(&hub.hub, list, Run::Look).await.unwrap();
    assert!(seen.plan.unwrap().to_string().contains("come to harm"));
    source::read(&hub.hub, list, Run::Commit { plan: Some(&seen.digest), even_so: false }).await.unwrap();
    assert_eq!(own(&hub).await.len(), 2);
}

#[tokio::test]
async fn a_private_address_is_not_read() {
    let hub = TestHub::with("Essex", 8, |config| config.pull.allow_private_addresses = false).await;
    let site = Site::default();
    let url = site.serve().await;
    site.put("/m", meetings(3));
    let list = listed(&hub, &format!("{url}/m"), Kind::MeetingGuide).await;
    assert_eq!(scheduled(&hub, list).await.state, "address");
    assert!(site.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daemon_reads_what_is_due() {
    let (hub, site) = (TestHub::new("Essex", 9).await, Site::default());
    let url = site.serve().await;
    site.put("/m", meetings(3));
    listed(&hub, &format!("{url}/m"), Kind::MeetingGuide).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (stop, signals) = tokio::sync::mpsc::channel(1);
    let lifecycle = Lifecycle::driven(Notifier::silent(), signals);
    let daemon = tokio::spawn(run::start(hub.hub.clone(), listener, lifecycle, Options::default()));
    let seen = tokio::time::timeout(std::time::Duration::from_secs(60), async {
        while own(&hub).await.len() < 3 {
            tokio::task::yield_now().await;
        }
    });
    seen.await.expect("the daemon reads the list");
    stop.send(Signal::Stop).await.unwrap();
    daemon.await.unwrap().unwrap().into_result().unwrap();
    assert_eq!(row(&hub).await.state, "changed");
    hub.check_hub().await;
}

/// Pain 4: what a person has corrected stays corrected, however often the source is read, and is shown when it differs.
#[tokio::test]
async fn a_correction_survives_every_reading_of_its_source() {
    let (hub, site) = (TestHub::new("Essex", 10).await, Site::default());
    let url = site.serve().await;
    site.put("/m", meetings(12));
    let list = listed(&hub, &format!("{url}/m"), Kind::MeetingGuide).await;
    scheduled(&hub, list).await;
    let mut db = hub.hub.store.read().await.unwrap();
    let one = groups::own_records(&hub.hub, &mut db).await.unwrap().remove(3);
    drop(db);
    let corrected = Group { cost: Some("Free".into()), name: "Group 3, corrected".into(), ..one.group.clone() };
    hub.hub.say(&[groups::say::put(&one.row, &corrected)]).await.unwrap();
    for _ in 0..5 {
        let read = scheduled(&hub, list).await;
        assert_eq!((read.state.as_str(), read.reason.as_str()), ("current", "11 unchanged, 1 corrected here and kept"));
        assert_eq!(own(&hub).await[3], corrected);
    }
    // The source moves: other rows follow it, this one is shown with what the source says.
    site.put("/m", meetings(12).replace("Town 3", "Harlow").replace("\"Town 5\"", "\"Epping\""));
    let read = scheduled(&hub, list).await;
    let plan = read.plan.unwrap();
    assert_eq!((plan.changed.len(), plan.kept.len()), (1, 1));
    assert!(plan.kept[0].fields.iter().any(|field| field.after == "Harlow"), "{:?}", plan.kept);
    assert_eq!(own(&hub).await[3], corrected);
    // A person who looks sees that it is a correction, and may take the source's word.
    let seen = source::read(&hub.hub, list, Run::Look).await.unwrap();
    assert!(seen.plan.unwrap().to_string().contains("corrected here since it was imported"));
    source::read(&hub.hub, list, Run::Commit { plan: Some(&seen.digest), even_so: false }).await.unwrap();
    assert_eq!(own(&hub).await[3].place.as_ref().unwrap().locality.as_deref(), Some("Harlow"));
    assert_eq!(scheduled(&hub, list).await.reason, "nothing new");
    hub.check_hub().await;
}

/// A source of changes says each of them once. A row of it that waits for a person is not lost because nobody has looked yet.
#[tokio::test]
async fn a_row_of_changes_that_waits_for_a_person_is_read_until_somebody_looked() {
    let (hub, site) = (TestHub::new("Essex", 8).await, Site::default());
    let url = site.serve().await;
    let item = |id: &str, name: &str| {
        let place = json!({"@type": "Place", "name": "The hidden house", "address": {"streetAddress": "9 Quiet Lane"}});
        json!({"state": "updated", "kind": "SessionSeries", "id": id, "modified": 1, "data": {"name": name, "location": place}})
    };
    let items = [item("s1", "Domestic abuse survivors"), item("s2", "Walkers")];
    site.put("/rpde", json!({"items": items, "next": "/rpde?a=1", "license": "x"}).to_string());
    site.put("/rpde?a=1", json!({"items": [], "next": "/rpde?a=1"}).to_string());
    let list = listed(&hub, &format!("{url}/rpde"), Kind::Rpde).await;
    assert_eq!(scheduled(&hub, list).await.reason, "1 new, 1 held back");
    let read = scheduled(&hub, list).await;
    assert!(read.reason.contains("1 held back"), "it waits still: {}", read.reason);
    let seen = source::read(&hub.hub, list, Run::Look).await.unwrap();
    source::read(&hub.hub, list, Run::Commit { plan: Some(&seen.digest), even_so: false }).await.unwrap();
    assert_eq!(own(&hub).await.len(), 2);
    site.asked();
    assert_eq!(scheduled(&hub, list).await.state, "current");
    assert_eq!(site.asked(), ["/rpde?a=1"], "somebody has looked: only what is new is asked for");
    hub.check_hub().await;
}
