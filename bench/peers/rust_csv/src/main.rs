//! The csv crate with one ByteRecord that is used again and again, its fastest way: weir-bench-rust-csv JOB FILE|-
//! >output
use std::fs::File;
use std::io::{stdin, stdout, BufWriter, Read, Write};

fn json_text(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    let mut from = 0;
    for (i, &byte) in text.iter().enumerate() {
        let short: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..=31 => b"",
            _ => continue,
        };
        out.extend_from_slice(&text[from..i]);
        if short.is_empty() {
            out.extend_from_slice(format!("\\u{:04x}", byte).as_bytes());
        } else {
            out.extend_from_slice(short);
        }
        from = i + 1;
    }
    out.extend_from_slice(&text[from..]);
    out.push(b'"');
}

fn number(text: &[u8]) -> f64 {
    std::str::from_utf8(text).unwrap().parse().unwrap()
}

fn wanted(record: &csv::ByteRecord) -> bool {
    &record[5] == b"shipped" && number(&record[8]) > 100.0
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let (job, path) = (arguments[1].as_str(), arguments[2].as_str());
    let input: Box<dyn Read> = if path == "-" { Box::new(stdin()) } else { Box::new(File::open(path)?) };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).buffer_capacity(128 << 10).from_reader(input);
    let raw = BufWriter::with_capacity(128 << 10, stdout());
    let mut header = csv::ByteRecord::new();
    let mut record = csv::ByteRecord::new();
    reader.read_byte_record(&mut header)?;
    match job {
        "count" => {
            let mut raw = raw;
            let mut count = 0u64;
            while reader.read_byte_record(&mut record)? {
                count += 1;
            }
            writeln!(raw, "{}", count)?;
        }
        "select" => {
            let mut writer = csv::WriterBuilder::new().from_writer(raw);
            writer.write_record([&header[0], &header[4], &header[8]])?;
            while reader.read_byte_record(&mut record)? {
                writer.write_record([&record[0], &record[4], &record[8]])?;
            }
            writer.flush()?;
        }
        "filter" => {
            let mut writer = csv::WriterBuilder::new().from_writer(raw);
            writer.write_byte_record(&header)?;
            while reader.read_byte_record(&mut record)? {
                if wanted(&record) {
                    writer.write_byte_record(&record)?;
                }
            }
            writer.flush()?;
        }
        "ndjson" => {
            let mut raw = raw;
            let mut out = Vec::with_capacity(4096);
            while reader.read_byte_record(&mut record)? {
                if wanted(&record) {
                    out.clear();
                    out.extend_from_slice(b"{\"order_id\":");
                    out.extend_from_slice(&record[0]);
                    out.extend_from_slice(b",\"customer_id\":");
                    out.extend_from_slice(&record[2]);
                    out.extend_from_slice(b",\"customer_name\":");
                    json_text(&mut out, &record[3]);
                    out.extend_from_slice(b",\"amount\":");
                    out.extend_from_slice(&record[8]);
                    out.extend_from_slice(b"}\n");
                    raw.write_all(&out)?;
                }
            }
        }
        "batch" => {
            let mut raw = raw;
            let mut out = Vec::with_capacity(1 << 18);
            let mut in_batch = 0;
            while reader.read_byte_record(&mut record)? {
                out.push(if in_batch == 0 { b'[' } else { b',' });
                for (i, field) in record.iter().enumerate() {
                    out.push(if i == 0 { b'{' } else { b',' });
                    json_text(&mut out, &header[i]);
                    out.push(b':');
                    json_text(&mut out, field);
                }
                out.push(b'}');
                in_batch += 1;
                if in_batch == 500 {
                    out.extend_from_slice(b"]\n");
                    raw.write_all(&out)?;
                    out.clear();
                    in_batch = 0;
                }
            }
            if in_batch > 0 {
                out.extend_from_slice(b"]\n");
                raw.write_all(&out)?;
            }
        }
        "fold" => {
            let mut raw = raw;
            let (mut n, mut sum) = (0u64, 0f64);
            while reader.read_byte_record(&mut record)? {
                if &record[5] == b"shipped" {
                    n += 1;
                    sum += number(&record[8]);
                }
            }
            writeln!(raw, "{{\"n\":{},\"sum\":{:.2},\"avg\":{}}}", n, sum, sum / n as f64)?;
        }
        _ => std::process::exit(4),
    }
    Ok(())
}
