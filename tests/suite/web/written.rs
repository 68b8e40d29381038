//! Pages as they are written: well made, safe whatever others wrote, and complete.

use super::sample::*;
use super::*;

#[test]
fn every_page_is_well_made() {
    let site = site();
    let notice = Site { notice: Some("Every group here is invented.".into()), ..(*site).clone() };
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&out).unwrap();
    let nothing = SearchPage { hits: Vec::new(), total: 0, pages: 1, ..search_page() };
    for (name, page) in [
        ("home", pages::home(&notice, &home_page())),
        ("search", pages::search(&site, &search_page())),
        ("search-nothing", pages::search(&site, &nothing)),
        ("group", pages::group(&site, &group_page())),
        ("group-bare", pages::group(&site, &bare_group())),
        ("partners", pages::partners(&site, &partners_page())),
        ("about", pages::about(&site)),
        ("error", pages::error(&site, "Page not found", "There is nothing at this address.")),
    ] {
        let page = page.into_string();
        // To be looked at: with the sheet beside it, a browser shows the page as readers see it.
        std::fs::write(out.join(format!("{name}.html")), &page).unwrap();
        well_made(name, &page);
    }
}

/// Topics to browse are a tree: each stands under what is wider, with all groups of what is under it, and nowhere else.
#[tokio::test]
async fn topics_are_browsed_as_a_tree() {
    let hub = crate::support::TestHub::new("Nottingham Hub", 1).await;
    let group = |name: &str, topics: &[&str]| {
        let json = serde_json::json!({ "name": name, "topics": topics });
        mutuald::record::Group::read(&json.to_string()).unwrap()
    };
    let groups = [group("A", &["epilepsy"]), group("B", &["stroke"]), group("C", &["retirement"])];
    let groups: Vec<_> = groups.into_iter().zip(1..).map(|(group, n)| (Uuid::from_u128(n), group)).collect();
    hub.put(&groups).await;
    let mut db = hub.hub.store.read().await.unwrap();
    let home = mutuald::store::directory::home(&mut db).await.unwrap();
    let page = pages::home(&site(), &home).into_string();
    well_made("home", &page);
    assert!(!page.contains("<script"));
    let start = page.find("id=\"topics\"").unwrap();
    let tree = &page[start..start + page[start..].find("</section>").unwrap()];
    // How many lists deep each topic's link stands, and its number of groups.
    let mut depth = 0;
    let mut seen = Vec::new();
    for piece in tree.split('<') {
        match piece {
            _ if piece.starts_with("ul") => depth += 1,
            _ if piece.starts_with("/ul") => depth -= 1,
            _ => {}
        }
        if let Some(topic) = piece.split_once("?topic=").and_then(|(_, rest)| rest.split('"').next()) {
            seen.push((depth, topic));
        }
    }
    assert_eq!(
        seen,
        [
            (0, "condition"),
            (1, "physical-ill-health"),
            (2, "neurological-conditions"),
            (3, "epilepsy"),
            (3, "stroke"),
            (2, "heart-and-circulation"),
            (3, "stroke"),
            (0, "situation"),
            (1, "ageing"),
            (2, "retirement"),
            (1, "retirement"),
        ]
    );
    assert!(tree.contains("Physical health</a> <span class=\"n\">2<"), "{tree}");
}

#[test]
fn what_others_wrote_stays_text() {
    let evil = "<script>alert('x')</script>\"><b onclick=x>&amp;";
    let escaped = "&lt;script&gt;alert('x')&lt;/script&gt;&quot;&gt;&lt;b onclick=x&gt;&amp;amp;";
    let site = Site { hub: evil.into(), notice: Some(evil.into()), contact: Some(evil.into()), ..(*site()).clone() };
    let said = vec![Said { hub: evil.into(), list: evil.into(), checked: None }];
    let value =
        |v: &str| vec![Value::Text(v.into()), Value::Web(v.into()), Value::Email(v.into()), Value::Phone(v.into())];
    let mut group = group_page();
    group.name = evil.into();
    group.other_names = vec![evil.into()];
    group.description = Some(evil.into());
    group.safety = Some(evil.into());
    group.topics = vec![(evil.into(), evil.into())];
    group.fields = vec![Field {
        label: evil.into(),
        value: value(evil),
        said: said.clone(),
        others: vec![Other { value: value("javascript:alert(1)"), said }],
        rule: Some(evil.into()),
        disagree: true,
    }];
    let mut search = search_page();
    search.terms = Terms {
        words: evil.into(),
        topic: Some(evil.into()),
        place: Some(evil.into()),
        mode: Some(evil.into()),
        ..search.terms
    };
    search.hits[0].name = evil.into();
    search.hits[0].snippet = Some(evil.into());
    let mut partners = partners_page();
    partners.partners[0].name = evil.into();
    partners.partners[0].reason = Some(evil.into());
    partners.partners[0].address = evil.into();
    for (name, page) in [
        ("group", pages::group(&site, &group)),
        ("search", pages::search(&site, &search)),
        ("partners", pages::partners(&site, &partners)),
        ("about", pages::about(&site)),
    ] {
        let page = page.into_string();
        assert!(page.contains(escaped), "{name} shows the text");
        assert!(!page.contains("<script") && !page.contains("<b onclick"), "{name}");
        assert!(!page.contains("href=\"javascript"), "{name}");
        well_made(name, &page);
    }
}

#[test]
fn a_title_never_says_what_was_searched_for() {
    let mut page = search_page();
    page.terms.words = "leaving somebody".into();
    let html = pages::search(&site(), &page).into_string();
    let title = html.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap();
    assert_eq!(title, "Find a group – Example Hub");
    assert!(html.contains("value=\"leaving somebody\""), "the form keeps the words");
    assert!(html.contains("Leave this page quickly"));
    assert!(pages::group(&site(), &group_page()).into_string().contains("Leave this page quickly"));
}

#[test]
fn each_filter_can_be_taken_off_by_itself() {
    let page = search_page();
    let terms = &page.terms;
    let html = pages::search(&site(), &page).into_string();
    for (label, without) in [
        ("Topic: Anxiety and panic", Terms { topic: None, page: 1, ..terms.clone() }),
        ("Place: Nottingham", Terms { place: None, page: 1, ..terms.clone() }),
        ("How it meets: In person", Terms { mode: None, page: 1, ..terms.clone() }),
    ] {
        let address = query::address(&without).replace('&', "&amp;");
        let link = format!("<a href=\"{address}\"><span class=\"aloud\">Remove filter </span>{label}");
        assert!(html.contains(&link), "{link}\n{html}");
    }
    assert!(html.contains("<div role=\"status\"><h2 class=\"count\">21–24 of 24 groups</h2></div>"), "{html}");
    assert!(html.contains("rel=\"prev\"") && !html.contains("rel=\"next\""), "the last page has no next");
    let none = SearchPage { hits: Vec::new(), total: 0, pages: 1, ..page };
    let html = pages::search(&site(), &none).into_string();
    for offer in
        ["No groups found", "Anxiety and panic, anywhere", "Try other words", "Search in a wider area", "/about#start"]
    {
        assert!(html.contains(offer), "{offer}");
    }
}

#[test]
fn a_group_page_says_who_said_what_and_when_it_was_checked() {
    let html = pages::group(&site(), &group_page()).into_string();
    for words in [
        "Checked with the group in <time datetime=\"2026-03-14\">March 2026</time> by <bdi>Example Hub</bdi>",
        "Two hubs disagree.",
        "Instead, Derbyshire Hub says:",
        "Why it is shown like this: ",
        "<caption>Two rows of lists name this group</caption>",
        "<th scope=\"row\">Derbyshire Hub</th>",
        "mailto:hello@calm.example",
    ] {
        assert!(html.contains(words), "{words}");
    }
    let closed = pages::group(&site(), &bare_group()).into_string();
    for words in ["<strong>Closed</strong> since", "Not checked yet. Details may be out of date"] {
        assert!(closed.contains(words), "{words}");
    }
}

/// What every page must keep: tags close, ids are unique and what is referred to exists, headings step down one at a time,
/// every field has a label, and there is nothing that a policy without scripts and inline styles would stop.
pub fn well_made(name: &str, page: &str) {
    let void = ["meta", "link", "input", "br"];
    let (mut open, mut ids, mut refers, mut level, mut rest) = (Vec::new(), Vec::new(), Vec::new(), 0, page);
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en-GB\">"), "{name}");
    while let Some(at) = rest.find('<') {
        let end = rest[at..].find('>').map(|end| at + end).unwrap_or_else(|| panic!("{name}: a tag without end"));
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "{name}: </{closed}>");
            continue;
        }
        let element = tag.split(' ').next().unwrap();
        assert!(!matches!(element, "script" | "style" | "img" | "iframe"), "{name}: <{tag}>");
        if let Some(heading) = element.strip_prefix('h').and_then(|digit| digit.parse::<u8>().ok()) {
            assert!(heading <= level + 1 && (heading > 1 || level == 0), "{name}: h{heading} after h{level}");
            level = heading;
        }
        let mut attributes = tag;
        while let Some((before, after)) = attributes.split_once("=\"") {
            let key = before.rsplit(' ').next().unwrap();
            let (value, after) = after.split_once('"').unwrap_or_else(|| panic!("{name}: <{tag}>"));
            attributes = after;
            assert!(key != "style" && !key.starts_with("on") && key != "src", "{name}: <{tag}>");
            match key {
                "id" => ids.push(value),
                "aria-labelledby" | "for" | "list" => refers.push(value),
                "href" if value.starts_with('#') => refers.push(&value[1..]),
                _ => {}
            }
        }
        let block =
            matches!(element, "p" | "div" | "ul" | "ol" | "dl" | "table" | "section" | "h1" | "h2" | "h3" | "details");
        assert!(!(block && open.contains(&"p")), "{name}: <{element}> in a paragraph ends it");
        if !void.contains(&element) && element != "!DOCTYPE" {
            open.push(element);
        }
    }
    assert!(open.is_empty(), "{name}: {open:?} stay open");
    assert_eq!(page.matches("<h1").count(), 1, "{name}: one h1");
    assert_eq!(
        page.matches("<input").count() + page.matches("<select").count(),
        page.matches("<label").count(),
        "{name}"
    );
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "{name}: an id twice");
    for id in refers {
        assert!(ids.contains(&id), "{name}: nothing is called {id}");
    }
    for landmark in ["<main ", "<header ", "<footer", "<nav ", "class=\"skip\" href=\"#main\""] {
        assert!(page.contains(landmark), "{name}: {landmark}");
    }
}
