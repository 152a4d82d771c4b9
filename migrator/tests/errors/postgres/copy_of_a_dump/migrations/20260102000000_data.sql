COPY users (id, name) FROM stdin;
1	Ada
2	Grace
\.
