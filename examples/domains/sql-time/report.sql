SELECT c.name,
       (SELECT count(*) FROM sale s WHERE s.customer = c.id AND s.month = 6) AS bought,
       (SELECT sum(s.cents) FROM sale s WHERE s.customer = c.id AND s.month = 6) AS cents
FROM customer c
WHERE (SELECT count(*) FROM sale s WHERE s.customer = c.id AND s.month = 6) > 3
ORDER BY cents DESC, c.name;
