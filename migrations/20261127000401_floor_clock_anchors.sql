-- Times never run backwards within a boot: the frames from an anchor on come after this time, that of
-- the newest frame before them.
ALTER TABLE clock_anchors ADD COLUMN not_before timestamptz;
