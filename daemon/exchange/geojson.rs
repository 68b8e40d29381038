//! Groups as a GeoJSON FeatureCollection (RFC 7946), for maps.

use super::export::{ExportRow, shown};
use crate::record::group::Group;
use crate::record::privacy::{VISIBILITY, Visibility};
use serde_json::{Map, Value, json};

/// The collection, and how many groups were left out because only their hub may know them. Groups without a position
/// have no geometry. Properties are the members that `schema/visibility.json` calls public, and no others.
pub fn collection(rows: impl IntoIterator<Item = ExportRow>) -> (Value, usize) {
    let mut withheld = 0;
    let mut features = Vec::new();
    for row in rows {
        match shown(&row.group) {
            Some(group) => features.push(feature(&row.record_id, &group)),
            None => withheld += 1,
        }
    }
    (json!({"type": "FeatureCollection", "features": features}), withheld)
}

fn feature(id: &str, group: &Group) -> Value {
    let place = group.place.as_ref();
    // Longitude first: RFC 7946, section 3.1.1.
    let geometry = place
        .and_then(|place| Some((place.longitude?, place.latitude?)))
        .map_or(Value::Null, |(longitude, latitude)| json!({"type": "Point", "coordinates": [longitude, latitude]}));
    let public = VISIBILITY.get("part.group");
    let is_public = |name: &str| public.and_then(|fields| fields.get(name)) == Some(&Visibility::Public);
    let properties: Map<String, Value> = group.members().into_iter().filter(|(name, _)| is_public(name)).collect();
    json!({"type": "Feature", "id": id, "geometry": geometry, "properties": properties})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::group::Place;

    #[test]
    fn positions_are_points_and_protected_places_are_none() {
        let row = |safety: Option<&str>, latitude: Option<f64>| ExportRow {
            record_id: "r".into(),
            group: Group {
                name: "G".into(),
                safety: safety.map(str::to_owned),
                place: Some(Place { latitude, longitude: Some(-1.15), venue: Some("Hall".into()), ..Place::default() }),
                extra: [("later".to_owned(), json!("kept, not shown"))].into(),
                ..Group::default()
            },
            ..ExportRow::default()
        };
        let rows =
            [row(None, Some(52.95)), row(None, None), row(Some("approximate"), Some(52.95)), row(Some("sealed"), None)];
        let (collection, withheld) = collection(rows);
        assert_eq!(withheld, 1);
        let features = collection["features"].as_array().unwrap();
        assert_eq!(features[0]["geometry"], json!({"type": "Point", "coordinates": [-1.15, 52.95]}));
        assert_eq!(features[0]["properties"]["place"]["venue"], json!("Hall"));
        assert!(features[0]["properties"].get("later").is_none());
        assert_eq!(features[1]["geometry"], Value::Null);
        assert_eq!(features[2]["geometry"], Value::Null);
        assert!(!features[2].to_string().contains("Hall") && !features[2].to_string().contains("1.15"));
    }
}
