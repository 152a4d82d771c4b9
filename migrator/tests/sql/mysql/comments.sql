SELECT 5--1, 6--'a;'
;
SELECT 7 -- a comment; here
, 8 # and; here
, 9 --	tab; comment
;
--
#
-- /* not open
SELECT /* c; */ 1 /* /* no nesting; */;
SELECT /*+ NO_INDEX_MERGE(t) ; */ 1;
/* plain; */
SELECT 2 #no newline