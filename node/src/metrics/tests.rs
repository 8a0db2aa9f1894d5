use super::*;

const DOCS: &str = "\
# Metrics
## hubplane-a
| Metric | Kind | Labels | What it tells |
| --- | --- | --- | --- |
| `hubplane_a_x_total` | counter | | X. |
| `hubplane_a_y` | gauge | | Y. |
## hubplane-b
| `hubplane_b_z` | gauge | | Z. |
";

const X: Metric = Metric::counter("hubplane_a_x_total", "1", "X.");
const Y: Metric = Metric::gauge("hubplane_a_y", "1", "Y.");

#[test]
fn a_section_with_every_metric_and_no_other_is_right() {
    compare_with_docs(DOCS, "hubplane-a", &[Y, X]).unwrap();
}

#[test]
fn a_metric_that_one_side_lacks_is_named() {
    let z = Metric::gauge("hubplane_b_z", "1", "Z.");
    let error = compare_with_docs(DOCS, "hubplane-a", &[X, z]).unwrap_err();
    assert_eq!(
        error,
        "docs/metrics.md, section hubplane-a: not documented: [hubplane_b_z (gauge)]; \
         not declared: [hubplane_a_y (gauge)]"
    );
}

#[test]
fn a_metric_of_another_kind_is_another_one() {
    let y = Metric::counter("hubplane_a_y", "1", "Y.");
    assert!(compare_with_docs(DOCS, "hubplane-a", &[X, y]).is_err());
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_is_measured() {
    use std::fs::File;

    assert!(process::resident_memory_bytes().unwrap() > 1024 * 1024);
    assert!(process::threads().unwrap() >= 1);
    let files: Vec<_> = (0..100).map(|_| File::open("/dev/null").unwrap()).collect();
    assert!(process::open_descriptors().unwrap() >= 100);
    drop(files);
}
