//! DDI Codebook 2.5: the study, its sampling frame in the words of `sampleFrame`, its files and every column.

use super::table::{Column, Kind};
use super::{Export, ExportError, File, draw_tables};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use std::io::{self, Write};

/// Writes elements one after another, in the order that the schema asks for.
struct Xml<W: Write>(Writer<W>);

impl<W: Write> Xml<W> {
    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
        self.0.write_event(Event::Start(BytesStart::new(name).with_attributes(attributes.iter().copied())))
    }

    fn close(&mut self, name: &str) -> io::Result<()> {
        self.0.write_event(Event::End(BytesEnd::new(name)))
    }

    /// An element that holds text, left out where there is none.
    fn leaf(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) -> io::Result<()> {
        // XML has no control characters but these, and not the two that are no characters, however they are spelt.
        let fits = |c: &char| matches!(c, '\n' | '\t') || !(c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'));
        let text: String = text.trim().chars().filter(fits).collect();
        if text.is_empty() {
            return Ok(());
        }
        self.open(name, attributes)?;
        self.0.write_event(Event::Text(BytesText::new(&text)))?;
        self.close(name)
    }

    /// An element that holds others.
    fn inside(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        fill: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        self.open(name, attributes)?;
        fill(self)?;
        self.close(name)
    }
}

/// Writes the codebook.
pub fn write(export: &Export, files: &[File], to: &mut impl Write) -> Result<(), ExportError> {
    let mut xml = Xml(Writer::new_with_indent(to, b' ', 1));
    xml.0.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let root = [("xmlns", "ddi:codebook:2_5"), ("version", "2.5"), ("xml:lang", "en")];
    xml.inside("codeBook", &root, |xml| {
        xml.inside("docDscr", &[], |xml| citation(xml, export))?;
        xml.inside("stdyDscr", &[], |xml| {
            citation(xml, export)?;
            about(xml, export)?;
            method(xml, export)?;
            xml.inside("dataAccs", &[], |xml| {
                let licence = export.licence_url();
                xml.inside("useStmt", &[], |xml| {
                    xml.leaf("conditions", &[], &format!("Licence: {} ({licence})", export.origin.licence))
                })
            })
        })?;
        for (at, file) in files.iter().enumerate() {
            describe(xml, at + 1, file)?;
        }
        xml.inside("dataDscr", &[], |xml| {
            for (at, file) in files.iter().enumerate() {
                for place in 0..file.table.columns.len() {
                    variable(xml, at + 1, file, place)?;
                }
            }
            Ok(())
        })
    })?;
    xml.0.into_inner().write_all(b"\n")?;
    Ok(())
}

fn citation<W: Write>(xml: &mut Xml<W>, export: &Export) -> io::Result<()> {
    let definition = &export.known.frame.definition;
    let day = export.day().to_string();
    xml.inside("citation", &[], |xml| {
        xml.inside("titlStmt", &[], |xml| {
            xml.leaf("titl", &[], &export.title())?;
            export
                .digests()
                .iter()
                .try_for_each(|(what, digest)| xml.leaf("IDNo", &[("agency", "SHA-256")], &format!("{what} {digest}")))
        })?;
        xml.inside("rspStmt", &[], |xml| xml.leaf("AuthEnty", &[], &definition.custodian))?;
        xml.inside("prodStmt", &[], |xml| {
            xml.leaf("producer", &[], &export.origin.hub_name)?;
            xml.leaf("prodDate", &[("date", &day)], &day)?;
            xml.leaf("software", &[], "mutuald")
        })?;
        xml.inside("distStmt", &[], |xml| xml.leaf("distrbtr", &[], &definition.custodian))?;
        xml.inside("verStmt", &[], |xml| xml.leaf("version", &[("date", &day)], &definition.as_of.to_string()))
    })
}

fn about<W: Write>(xml: &mut Xml<W>, export: &Export) -> io::Result<()> {
    let definition = &export.known.frame.definition;
    let day = definition.as_of.to_string();
    xml.inside("stdyInfo", &[], |xml| {
        xml.inside("subject", &[], |xml| {
            ["self-help groups", "mutual aid", "sampling frame"]
                .iter()
                .try_for_each(|word| xml.leaf("keyword", &[], word))
        })?;
        xml.leaf("abstract", &[], &export.about())?;
        xml.inside("sumDscr", &[], |xml| {
            xml.leaf("timePrd", &[("event", "single"), ("date", &day)], &definition.reference_period)?;
            let area = if definition.area.is_empty() { "everywhere".to_owned() } else { definition.area.join(", ") };
            xml.leaf("geogCover", &[], &area)?;
            xml.leaf("geogUnit", &[], "local authority (GSS code)")?;
            xml.leaf("anlyUnit", &[], &definition.unit_type)?;
            xml.leaf("universe", &[], &definition.universe)?;
            xml.leaf("dataKind", &[], "sampling frame")
        })
    })
}

fn method<W: Write>(xml: &mut Xml<W>, export: &Export) -> io::Result<()> {
    let frame = export.known.frame;
    let definition = &frame.definition;
    let units = export.known.units.len().to_string();
    xml.inside("method", &[], |xml| {
        xml.inside("dataColl", &[], |xml| {
            if let Some(drawn) = &export.drawn {
                let commitment = &drawn.draw.request.commitment;
                let seed = format!("Seed {} ({}), chosen {}.", commitment.seed, commitment.how, commitment.at);
                xml.leaf("sampProc", &[], &format!("{} {seed}", draw_tables::in_words(drawn)))?;
            }
            xml.inside("sampleFrame", &[], |xml| {
                xml.leaf("sampleFrameName", &[], &definition.sample_frame_name)?;
                xml.leaf("labl", &[], definition.labl.as_deref().unwrap_or_default())?;
                xml.leaf("txt", &[], definition.txt.as_deref().unwrap_or_default())?;
                if let Some(period) = definition.valid_period {
                    for (event, day) in [("start", period.from.to_string()), ("end", period.to.to_string())] {
                        xml.leaf("validPeriod", &[("event", event)], &day)?;
                    }
                }
                xml.leaf("custodian", &[], &definition.custodian)?;
                if let Some(text) = definition.use_stmt.as_ref().filter(|text| !text.trim().is_empty()) {
                    xml.inside("useStmt", &[], |xml| xml.leaf("conditions", &[], text))?;
                }
                xml.leaf("universe", &[], &definition.universe)?;
                xml.inside("frameUnit", &[("isPrimary", "true")], |xml| {
                    xml.leaf("unitType", &[("numberOfUnits", &units)], &definition.unit_type)
                })?;
                // A day and no words: those stand in the study's time period.
                xml.leaf("referencePeriod", &[("event", "single")], &definition.as_of.to_string())?;
                xml.leaf("updateProcedure", &[], &definition.update_procedure)
            })?;
            if let Some(drawn) = &export.drawn {
                let size = drawn.draw.base.len().to_string();
                xml.inside("targetSampleSize", &[], |xml| xml.leaf("sampleSize", &[], &size))?;
                let caution = drawn.draw.request.design.caution();
                let text = caution.unwrap_or(
                    "The design weight is the variable weight: one divided by the inclusion probability pi.",
                );
                xml.leaf("weight", &[], text)?;
            }
            Ok(())
        })?;
        let rules = frame.profile.rules.iter().map(|rule| rule.source.trim());
        let rules = rules.collect::<Vec<_>>().join("\n");
        xml.leaf("notes", &[("type", "eligibility"), ("subject", &frame.profile.cited())], &rules)
    })
}

fn describe<W: Write>(xml: &mut Xml<W>, number: usize, file: &File) -> io::Result<()> {
    let (cases, columns) = (file.table.count.to_string(), file.table.columns.len().to_string());
    xml.inside("fileDscr", &[("ID", &format!("F{number}")), ("URI", &file.written.file)], |xml| {
        xml.inside("fileTxt", &[], |xml| {
            xml.leaf("fileName", &[], &file.written.file)?;
            xml.inside("dataFingerprint", &[("type", "dataFile")], |xml| {
                xml.leaf("digitalFingerprintValue", &[], &file.written.sha256)?;
                xml.leaf("algorithmSpecification", &[], "SHA-256")
            })?;
            xml.leaf("fileCont", &[], file.table.about)?;
            xml.inside("dimensns", &[], |xml| {
                xml.leaf("caseQnty", &[], &cases)?;
                xml.leaf("varQnty", &[], &columns)
            })?;
            xml.leaf("fileType", &[], "CSV (UTF-8, comma, first line names of variables)")
        })
    })
}

fn variable<W: Write>(xml: &mut Xml<W>, number: usize, file: &File, place: usize) -> io::Result<()> {
    let (column, met): (&Column, _) = (&file.table.columns[place], &file.tally[place]);
    let (id, of) = (format!("F{number}V{}", place + 1), format!("F{number}"));
    let continuous = matches!(column.kind, Kind::Number | Kind::Whole);
    let mut attributes: Vec<(&str, &str)> = vec![("ID", &id), ("name", &column.name), ("files", &of)];
    if file.table.name == draw_tables::SAMPLE && column.name == "weight" {
        attributes.push(("wgt", "wgt"));
    }
    attributes.push(("intrvl", if continuous { "contin" } else { "discrete" }));
    xml.inside("var", &attributes, |xml| {
        xml.leaf("labl", &[], &column.title)?;
        xml.leaf("sumStat", &[("type", "vald")], &met.filled.to_string())?;
        xml.leaf("sumStat", &[("type", "invd")], &(file.table.count - met.filled).to_string())?;
        xml.leaf("txt", &[], &super::package::describe(column))?;
        for (value, count) in column.values.iter().zip(&met.counts) {
            xml.inside("catgry", &[], |xml| {
                xml.leaf("catValu", &[], &value.id)?;
                xml.leaf("labl", &[], &value.label)?;
                xml.leaf("catStat", &[("type", "freq")], &count.to_string())
            })?;
        }
        let (kind, category) = match column.kind {
            Kind::Whole | Kind::Number => ("numeric", "other"),
            Kind::Day => ("character", "date"),
            Kind::Text | Kind::Yes => ("character", "other"),
        };
        xml.inside("varFormat", &[("type", kind), ("category", category)], |_| Ok(()))
    })
}
