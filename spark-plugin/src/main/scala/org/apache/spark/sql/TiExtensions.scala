package org.apache.spark.sql

/** TiSpark's name of the extensions, kept so that its configuration goes on working. */
class TiExtensions extends io.tidbspark.TiExtensions
