//! Which remote objects exist, in which scope: the catalog and the discovery engine.
