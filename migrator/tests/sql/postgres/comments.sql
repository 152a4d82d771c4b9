-- only a comment; no statement
/* outer /* inner; */ still; */
SELECT 1 -- trailing; 'comment'
;
SELECT /* in; /* deeper; */ here */ 2;;
;
SELECT 3 - -1, 4 */* operator, then a comment; */ 5, 6 --7;
, 8;
SELECT 9 -- the last line has no newline