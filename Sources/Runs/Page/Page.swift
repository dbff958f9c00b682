/// A page that needs nothing but itself: no network, no script.
struct Page {
  let title: String
  /// Below the heading.
  let lead: [Markup]
  let sections: [Markup]

  /// The page as a file holds it.
  var text: String {
    let head = Markup(
      "head", [:],
      [
        Markup("meta", ["charset": "utf-8"]),
        Markup("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
        Markup("meta", ["name": "color-scheme", "content": "light dark"]),
        Markup("meta", ["name": "generator", "content": "lethe"]),
        Markup("title", text: title), Markup(style: Page.style),
      ])
    let body = Markup("body", [:], [Markup("main", [:], [Markup("h1", text: title)] + lead + sections)])
    return Markup.document(Markup("html", ["lang": "en", "xmlns": "http://www.w3.org/1999/xhtml"], [head, body]))
  }

  /// A section with its heading; nil when there is nothing in it.
  static func section(_ heading: String, _ content: [Markup]) -> Markup? {
    content.isEmpty ? nil : Markup("section", [:], [Markup("h2", text: heading)] + content)
  }

  /// A plot with its heading, what it needs said, and its data.
  static func figure(_ title: String, _ drawing: [Markup], note: String? = nil, data: DataTable) -> Markup {
    let caption = Markup("figcaption", text: title)
    let notes = note.map { [Markup("p", ["class": "note"], text: $0)] } ?? []
    return Markup("figure", [:], [caption] + drawing + notes + [data.markup])
  }

  /// Figures side by side where there is room.
  static func figures(_ figures: [Markup], areLarge: Bool = false) -> [Markup] {
    figures.isEmpty ? [] : [Markup("div", ["class": areLarge ? "figures large" : "figures"], figures)]
  }

  /// A table that scrolls by itself when it is too wide.
  static func table(_ label: String, heading: [Markup], rows: [Markup]) -> Markup {
    Markup(
      "div", ["class": "scroll", "role": "region", "tabindex": "0", "aria-label": label],
      [
        Markup(
          "table", [:],
          [Markup("thead", [:], [Markup("tr", [:], heading)]), Markup("tbody", [:], rows)])
      ])
  }

  /// A list of facts: a word and what it is.
  static func facts(_ facts: [(String, [Markup])]) -> Markup {
    Markup("dl", [:], facts.flatMap { [Markup("dt", text: $0.0), Markup("dd", [:], $0.1)] })
  }

  /// Colours are told apart by people with every kind of colour vision and have a contrast of 4.5 to their ground, 3 where
  /// they are no text; looks of series differ in shape and dashes as well.
  static let style = """
    :root{color-scheme:light dark;--ground:#fff;--panel:#f6f7f9;--ink:#16191d;--soft:#565d66;--line:#d5d9de;--best:#e2f1e6;
    --s0:#0b62b0;--s1:#b84500;--s2:#00755a;--s3:#9b3c86;--s4:#796000;--s5:#1f7a93;--s6:#5a626c}
    @media (prefers-color-scheme:dark){:root{--ground:#14171b;--panel:#1d2126;--ink:#eceff2;--soft:#aab2bb;--line:#3a4149;
    --best:#1d3b2a;--s0:#72b7fb;--s1:#ff9a5c;--s2:#4bd0a4;--s3:#e79ad6;--s4:#dcbf4a;--s5:#7fd3e8;--s6:#b4bcc6}}
    *{box-sizing:border-box}
    html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
    body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
    main{max-width:1560px;margin:0 auto;padding:1.2rem clamp(.75rem,3vw,2rem) 3rem}
    h1{font-size:1.6rem;line-height:1.2;margin:.3rem 0 .5rem;overflow-wrap:anywhere}
    h2{font-size:1.2rem;margin:2rem 0 .6rem;padding-bottom:.2rem;border-bottom:1px solid var(--line)}
    p{margin:.4rem 0;max-width:75ch;overflow-wrap:anywhere}
    .soft,.note{color:var(--soft)}
    .note{font-size:.85rem;margin:.3rem 0 0}
    figcaption{font-weight:600;margin-bottom:.3rem;overflow-wrap:anywhere}
    .warnings{border-left:4px solid var(--s1);background:var(--panel);padding:.5rem .8rem .5rem 1.6rem;margin:.6rem 0;overflow-wrap:anywhere}
    .scroll{overflow-x:auto;max-width:100%}
    table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
    th,td{padding:.3rem .65rem;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
    thead th{border-bottom:2px solid var(--soft);vertical-align:bottom}
    th.number{text-align:right}
    td.number{text-align:right}td data{white-space:nowrap}
    tbody th{font-weight:600;background:var(--ground);min-width:9rem;max-width:16rem;overflow-wrap:anywhere}
    /* Names of metrics are one word each: the column takes the widest, and the table scrolls. */
    #details tbody th{overflow-wrap:break-word}
    .wide thead th:first-child,.wide tbody th{position:sticky;left:0;background:var(--ground)}
    tr.reference th,tr.reference td{color:var(--soft)}
    td .gap{display:block;color:var(--soft);font-size:.88em;white-space:nowrap}
    .part{display:block;white-space:nowrap}
    td.best{background:var(--best)}
    td.best .gap{color:var(--ink)}
    .figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,21rem),1fr));gap:1rem;align-items:start}
    .large{grid-template-columns:repeat(auto-fill,minmax(min(100%,24rem),1fr))}
    figure{margin:0;padding:.8rem;background:var(--panel);border-radius:.5rem;min-width:0;break-inside:avoid}
    figure svg{display:block;width:100%;height:auto;max-width:30rem;margin:0 auto}
    svg text{font:11.5px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;fill:var(--ink)}
    svg .tick{fill:var(--soft);font-size:11px}
    svg .grid{stroke:var(--line);stroke-width:.7}
    svg .axis{stroke:var(--soft);stroke-width:1}
    svg .moment{stroke:var(--ink);stroke-width:1;stroke-dasharray:2 3}
    .error{stroke:var(--ink);stroke-width:1.3}
    svg .line,svg .outline{fill:none;stroke-width:1.6;stroke-linejoin:round}
    svg .band{stroke:none;opacity:.2}svg .cells{stroke:none}
    svg .level{stroke-width:1.2;stroke-dasharray:6 4}
    svg .mark{stroke-width:1.2;stroke-linejoin:round}
    svg .mark.hollow{fill:var(--panel)}
    svg .hit{fill:transparent;stroke:none}
    svg .hit:hover{fill:var(--soft);fill-opacity:.4}
    svg .bar{fill-opacity:.85;stroke-width:1}svg .column{fill-opacity:.45;stroke:none}
    .s0{fill:var(--s0);stroke:var(--s0)}.s1{fill:var(--s1);stroke:var(--s1)}.s2{fill:var(--s2);stroke:var(--s2)}
    .s3{fill:var(--s3);stroke:var(--s3)}.s4{fill:var(--s4);stroke:var(--s4)}.s5{fill:var(--s5);stroke:var(--s5)}
    .s6{fill:var(--s6);stroke:var(--s6)}
    svg .line,svg .outline{fill:none}
    svg text,svg text.name{stroke:var(--panel);stroke-width:3px;stroke-linejoin:round;paint-order:stroke}
    svg text.s0{fill:var(--s0)}svg text.s1{fill:var(--s1)}svg text.s2{fill:var(--s2)}svg text.s3{fill:var(--s3)}
    svg text.s4{fill:var(--s4)}svg text.s5{fill:var(--s5)}svg text.s6{fill:var(--s6)}
    .d1{stroke-dasharray:6 3}.d2{stroke-dasharray:4 2 1 2}.d3{stroke-dasharray:8 3 2 3}.d4{stroke-dasharray:12 4}
    .d5{stroke-dasharray:1 4}.d6{stroke-dasharray:1.5 2.5}
    @media (max-width:36rem){figure{padding:.6rem .45rem}tbody th{min-width:9rem}}
    .key{list-style:none;margin:.4rem 0 0;padding:0;font-size:.85rem;display:grid;gap:.1rem .8rem;grid-template-columns:repeat(auto-fill,minmax(min(100%,12rem),1fr))}
    .key li{overflow-wrap:anywhere}
    figure .sample{display:inline-block;width:.8rem;height:.8rem;margin:0;vertical-align:-.1rem}
    details{margin-top:.5rem;font-size:.9rem}
    summary{cursor:pointer;color:var(--soft);padding:.25rem 0}
    details .scroll{max-height:24rem;overflow:auto}
    details table{font-size:.8rem}
    pre{margin:0;padding:.8rem;background:var(--panel);border-radius:.5rem;font-size:.8rem;line-height:1.4}
    code,pre{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
    code{font-size:.85em;overflow-wrap:anywhere}td code{white-space:nowrap}
    dl{display:grid;grid-template-columns:minmax(6rem,max-content) minmax(0,1fr);gap:.15rem 1rem;margin:.4rem 0}
    dt{color:var(--soft)}
    dd{margin:0;overflow-wrap:anywhere}
    :focus-visible{outline:2px solid var(--s0);outline-offset:2px}
    @media print{:root{color-scheme:light;--ground:#fff;--panel:#fff;--ink:#000;--soft:#444;--line:#bbb;--best:#e8e8e8;
    --s0:#0b62b0;--s1:#b84500;--s2:#00755a;--s3:#9b3c86;--s4:#796000;--s5:#1f7a93;--s6:#5a626c}
    @page{size:landscape;margin:11mm}
    body{font-size:10pt}main{padding:0;max-width:none}
    .scroll{overflow:visible}table{font-size:7pt}th,td{padding:.12rem .28rem}
    .wide thead th:first-child,.wide tbody th{position:static}
    tbody th{min-width:3.5rem;overflow-wrap:break-word}
    .figures{grid-template-columns:1fr 1fr 1fr}.large{grid-template-columns:1fr 1fr}figure{border:1px solid var(--line)}
    figure details,details:not([open]){display:none}
    h2{break-after:avoid}tr{break-inside:avoid}
    pre{white-space:pre-wrap}}

    """
}
