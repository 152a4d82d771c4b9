UPDATE users SET name = upper(name);

  UPDATE people SET name = 'größe' WHERE id = 1;
