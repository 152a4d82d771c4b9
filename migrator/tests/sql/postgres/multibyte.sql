CREATE TABLE "Größe;" (naïve text DEFAULT '日本;', 表 int);
COMMENT ON COLUMN "Größe;".表 IS 'emoji 🎉; ''quoted''';
DO $タグ$ BEGIN RAISE NOTICE 'é;'; END $タグ$;
SELECT é$$ FROM t;
