// The table of pages. A new page is a row here, a file in pages/ and its texts.
//
// `path` may have :parameters. `title` is a key of texts/common.js. `nav` says whether the page stands in the
// navigation, and with which icon (ui/icons.js). `roles`: who may see it, of "user" and "admin"; without it everybody.
// The module of `load` imports the page's texts first, and exports `render(root, params, signal)`, which fills the
// element `root`; `params` has the path's parameters and `query`, a URLSearchParams; `signal` aborts when the reader
// leaves the page. It may return a promise.

export const PAGES = [
  {
    name: "fleet",
    path: "/fleet",
    title: "fleet.title",
    nav: { icon: "car", order: 10 },
    roles: ["user", "admin"],
    load: () => import("./pages/fleet.js"),
  },
  {
    name: "vehicle",
    path: "/vehicles/:vehicle",
    title: "vehicle.title",
    roles: ["user", "admin"],
    load: () => import("./pages/vehicle.js"),
  },
  {
    name: "many",
    path: "/fleet/settings",
    title: "many.title",
    roles: ["user", "admin"],
    load: () => import("./pages/many.js"),
  },
  {
    name: "refused",
    path: "/refused",
    title: "refused.title",
    nav: { icon: "ban", order: 20 },
    roles: ["admin"],
    load: () => import("./pages/refused.js"),
  },
  {
    name: "pushes",
    path: "/pushes",
    title: "pushes.title",
    nav: { icon: "send", order: 30 },
    roles: ["admin"],
    load: () => import("./pages/pushes.js"),
  },
  {
    name: "formats",
    path: "/formats",
    title: "formats.title",
    nav: { icon: "grid", order: 40 },
    roles: ["admin"],
    load: () => import("./pages/formats.js"),
  },
  {
    name: "system",
    path: "/system",
    title: "system.title",
    nav: { icon: "gear", order: 50 },
    roles: ["admin"],
    load: () => import("./pages/system.js"),
  },
  {
    name: "setup",
    path: "/setup",
    title: "setup.title",
    roles: ["admin"],
    load: () => import("./pages/setup.js"),
  },
  {
    name: "invited",
    path: "/invited",
    title: "invited.title",
    roles: ["user", "admin"],
    load: () => import("./pages/invited.js"),
  },
  { name: "signin", path: "/signin", title: "signin.title", frame: false, load: () => import("./pages/signin.js") },
];

export const HOME = "/fleet";
