-- MySQL dump 10.13  Distrib 8.0.39, for Linux (x86_64)
--
-- Host: localhost    Database: shop
-- ------------------------------------------------------

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!50503 SET NAMES utf8mb4 */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;

DROP TABLE IF EXISTS `order;s`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
CREATE TABLE `order;s` (
  `id` int NOT NULL AUTO_INCREMENT,
  `note` varchar(255) DEFAULT 'it\'s; "fine"' COMMENT 'a;b',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB /*!50100 PARTITION BY HASH (id) PARTITIONS 4 */;

LOCK TABLES `order;s` WRITE;
/*!40000 ALTER TABLE `order;s` DISABLE KEYS */;
INSERT INTO `order;s` VALUES (1,'a\\'),(2,'b\n;\'');
/*!40000 ALTER TABLE `order;s` ENABLE KEYS */;
UNLOCK TABLES;
/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER `touch` BEFORE UPDATE ON `order;s` FOR EACH ROW BEGIN
  /* why; not */
  SET NEW.note = 'x;';
END */;;
DELIMITER ;
/*!50003 SET sql_mode              = @saved_sql_mode */ ;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=`root`@`localhost` SQL SECURITY DEFINER */
/*!50001 VIEW `v` AS select 1 AS `1` */;

/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed on 2025-01-01  0:00:00
