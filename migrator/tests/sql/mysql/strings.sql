SELECT 'it\'s;', "say \"hi;\"", 'it''s;', "a"";b";
SELECT 'C:\\';
SELECT `a``;b`, `c\`, "'", '"', '`';
SELECT N'é;', _utf8mb4'x;', x'3B', b'01', @'var;', @`v;`, @"w;";
SELECT \N, 1e5, 0x3B;
